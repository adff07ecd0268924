import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.json.JsonConverter;

/**
 * What Kafka Connect's JsonConverter reads, and writes again, with a config. Arguments: input file, output file. A line of the input
 * has a config and a message; its line of the output has what a converter without config writes of it, and what the same one writes.
 */
public final class JsonContentOracle {
  private static final ObjectMapper json = new ObjectMapper();

  public static void main(String[] args) throws Exception {
    try (PrintWriter out = new PrintWriter(args[1], "UTF-8")) {
      for (String line : Files.readAllLines(Path.of(args[0]))) out.print(json.writeValueAsString(resultOf(json.readTree(line))) + "\n");
    }
  }

  private static ObjectNode resultOf(JsonNode given) {
    Map<String, String> config = new HashMap<>();
    given.get("config").properties().forEach(each -> config.put(each.getKey(), each.getValue().asText()));
    ObjectNode result = json.createObjectNode();
    JsonConverter converter = new JsonConverter();
    try {
      converter.configure(config, false);
    } catch (DataException e) {
      return result.put("configError", e.getMessage());
    }
    try {
      byte[] message = given.get("message").isNull() ? null : given.get("message").asText().getBytes(StandardCharsets.UTF_8);
      SchemaAndValue read = converter.toConnectData("topic", message);
      JsonConverter plain = new JsonConverter();
      plain.configure(Map.of("decimal.format", "NUMERIC"), false);
      result.put("read", text(plain.fromConnectData("topic", read.schema(), read.value())));
      return result.put("written", text(converter.fromConnectData("topic", read.schema(), read.value())));
    } catch (DataException e) {
      return result.put("error", e.getMessage());
    }
  }

  private static String text(byte[] bytes) {
    return bytes == null ? null : new String(bytes, StandardCharsets.UTF_8);
  }
}
