import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Map;
import org.apache.kafka.connect.data.ConnectSchema;
import org.apache.kafka.connect.data.Date;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.storage.Converter;

/**
 * What Kafka Connect's converters of primitive types do. Arguments: input file, output file. A line of the input is either bytes to
 * read, in hexadecimal digits, or a value to write, as text of its type; its line of the output is the result, or the error.
 */
public final class ConverterOracle {
  private static final ObjectMapper json = new ObjectMapper();

  public static void main(String[] args) throws Exception {
    try (PrintWriter out = new PrintWriter(args[1], "UTF-8")) {
      for (String line : Files.readAllLines(Path.of(args[0]))) out.print(json.writeValueAsString(resultOf(json.readTree(line))) + "\n");
    }
  }

  private static ObjectNode resultOf(JsonNode given) throws Exception {
    Converter converter = (Converter) Class.forName(given.get("class").asText()).getDeclaredConstructor().newInstance();
    converter.configure(Map.of(), false);
    ObjectNode result = json.createObjectNode();
    try {
      if (given.has("bytes")) {
        String hex = given.get("bytes").isNull() ? null : given.get("bytes").asText();
        SchemaAndValue read = converter.toConnectData("topic", hex == null ? null : HexFormat.of().parseHex(hex));
        Object value = read.value();
        return result.put("schema", read.schema().type().name()).put("optional", read.schema().isOptional()).put("value", value == null ? null : value.toString());
      }
      Schema.Type type = Schema.Type.valueOf(given.get("type").asText());
      String text = given.get("value").isNull() ? null : given.get("value").asText();
      boolean isDate = given.path("date").asBoolean();
      Schema schema = isDate ? Date.SCHEMA : new ConnectSchema(type, true, null, null, null, null);
      Object value = isDate ? new java.util.Date(0) : valueOf(type, text);
      byte[] written = converter.fromConnectData("topic", schema, value);
      return result.put("bytes", written == null ? null : HexFormat.of().formatHex(written));
    } catch (DataException e) {
      return result.put("error", e.getMessage());
    }
  }

  private static Object valueOf(Schema.Type type, String text) {
    if (text == null) return null;
    switch (type) {
      case INT8: return Byte.valueOf(text);
      case INT16: return Short.valueOf(text);
      case INT32: return Integer.valueOf(text);
      case INT64: return Long.valueOf(text);
      case FLOAT32: return Float.valueOf(text);
      case FLOAT64: return Double.valueOf(text);
      case BOOLEAN: return Boolean.valueOf(text);
      default: return text;
    }
  }
}
