import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericFixed;
import org.apache.avro.generic.IndexedRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;

/**
 * What Java's Avro reads from bytes, and writes. Arguments: input file, output file. A line of the input is a schema and bytes in
 * hexadecimal digits; its line of the output is the text of the schema, the value, and the bytes that Java writes for it.
 */
public final class AvroValueOracle {
  private static final ObjectMapper json = new ObjectMapper();

  public static void main(String[] args) throws Exception {
    try (PrintWriter out = new PrintWriter(args[1], "UTF-8")) {
      for (String line : Files.readAllLines(Path.of(args[0]))) out.print(json.writeValueAsString(resultOf(json.readTree(line))) + "\n");
    }
  }

  private static Object resultOf(JsonNode given) throws Exception {
    Schema schema = new Schema.Parser().parse(given.get("schema").asText());
    byte[] bytes = HexFormat.of().parseHex(given.get("bytes").asText());
    BinaryDecoder decoder = DecoderFactory.get().binaryDecoder(bytes, null);
    Object value = new GenericDatumReader<Object>(schema).read(null, decoder);
    if (!decoder.isEnd()) throw new IllegalStateException("bytes follow the value of " + schema);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(out, null);
    new GenericDatumWriter<Object>(schema).write(value, encoder);
    encoder.flush();
    Map<String, Object> result = new TreeMap<>();
    result.put("schema", schema.toString());
    result.put("value", shown(value));
    result.put("bytes", HexFormat.of().formatHex(out.toByteArray()));
    return result;
  }

  /** Records and arrays are lists, maps are lists of entries in the order of their keys, floats are their bits, and all else is text or null. */
  private static Object shown(Object value) {
    List<Object> parts = new ArrayList<>();
    if (value == null) return null;
    if (value instanceof IndexedRecord) {
      IndexedRecord record = (IndexedRecord) value;
      for (Schema.Field field : record.getSchema().getFields()) parts.add(shown(record.get(field.pos())));
      return parts;
    }
    if (value instanceof List) {
      for (Object item : (List<?>) value) parts.add(shown(item));
      return parts;
    }
    if (value instanceof Map) {
      Map<String, Object> sorted = new TreeMap<>();
      ((Map<?, ?>) value).forEach((key, item) -> sorted.put(key.toString(), shown(item)));
      sorted.forEach((key, item) -> parts.add(item == null ? List.of(key) : List.of(key, item)));
      return parts;
    }
    if (value instanceof ByteBuffer) return HexFormat.of().formatHex(((ByteBuffer) value).array());
    if (value instanceof GenericFixed) return HexFormat.of().formatHex(((GenericFixed) value).bytes());
    // Java 17 does not write the shortest text of a float.
    if (value instanceof Float) return String.format("%08x", Float.floatToIntBits((Float) value));
    if (value instanceof Double) return String.format("%016x", Double.doubleToLongBits((Double) value));
    return value.toString();
  }
}
