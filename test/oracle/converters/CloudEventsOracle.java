import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.debezium.converters.CloudEventsConverter;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.storage.Converter;

/**
 * What Debezium's CloudEventsConverter writes and reads. Arguments: input file, output file. A line of the input has a config, and a record
 * to write, as an envelope of JsonConverter with its headers, or a message to read; its line of the output has the result, or the error.
 * A stand-in takes the place of the Avro converter: the bytes 0, 0, 0, 0, 7, the topic, a line feed, and an envelope of JsonConverter.
 */
public final class CloudEventsOracle {
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
    CloudEventsConverter converter = new CloudEventsConverter(new StandIn());
    try {
      converter.configure(config, false);
    } catch (Exception e) {
      return result.put("configError", String.valueOf(e.getMessage()));
    }
    try {
      if (given.has("message")) {
        SchemaAndValue read = converter.toConnectData("topic", given.get("message").asText().getBytes(StandardCharsets.ISO_8859_1));
        result.put("schema", read.schema() == null ? null : json.readTree(envelopes(true).fromConnectData("t", read.schema(), read.value())).get("schema").toString());
        return result.set("read", plain(read.value()));
      }
      RecordHeaders headers = new RecordHeaders();
      given.get("headers").properties().forEach(each -> headers.add(each.getKey(), bytes(each.getValue().asText())));
      SchemaAndValue record = envelopes(true).toConnectData("t", given.get("record").isNull() ? null : bytes(given.get("record").asText()));
      byte[] written = converter.fromConnectData("topic", headers, record.schema(), record.value());
      return result.put("written", written == null ? null : new String(written, StandardCharsets.ISO_8859_1));
    } catch (Exception e) {
      return result.put("error", e.getClass().getSimpleName() + ": " + e.getMessage());
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static JsonConverter envelopes(boolean numeric) {
    JsonConverter converter = new JsonConverter();
    converter.configure(Map.of("decimal.format", numeric ? "NUMERIC" : "BASE64"), false);
    return converter;
  }

  /** A value without its schema. */
  private static JsonNode plain(Object value) {
    if (value instanceof Struct) {
      ObjectNode node = json.createObjectNode();
      for (Field field : ((Struct) value).schema().fields()) node.set(field.name(), plain(((Struct) value).get(field)));
      return node;
    }
    if (value instanceof Map) {
      ObjectNode node = json.createObjectNode();
      ((Map<?, ?>) value).forEach((key, item) -> node.set(String.valueOf(key), plain(item)));
      return node;
    }
    if (value instanceof List) {
      ArrayNode node = json.createArrayNode();
      ((List<?>) value).forEach(item -> node.add(plain(item)));
      return node;
    }
    if (value instanceof java.math.BigDecimal) return json.getNodeFactory().textNode(((java.math.BigDecimal) value).toPlainString());
    boolean isLong = value instanceof Long && Math.abs((Long) value) > 1L << 53;
    return json.valueToTree(isLong ? value.toString() : value);
  }

  /** What stands in for the Avro converter. */
  private static final class StandIn implements Converter {
    @Override
    public void configure(Map<String, ?> config, boolean isKey) {}

    @Override
    public byte[] fromConnectData(String topic, Schema schema, Object value) {
      byte[] text = envelopes(false).fromConnectData(topic, schema, value);
      byte[] name = bytes(topic + "\n");
      return ByteBuffer.allocate(5 + name.length + text.length).put(new byte[] {0, 0, 0, 0, 7}).put(name).put(text).array();
    }

    @Override
    public SchemaAndValue toConnectData(String topic, byte[] value) {
      if (value == null) return SchemaAndValue.NULL;
      String name = new String(value, 5, value.length - 5, StandardCharsets.UTF_8).split("\n", 2)[0];
      if (!name.equals(topic)) throw new IllegalStateException("the topic is " + topic + ", not " + name);
      return envelopes(false).toConnectData(topic, Arrays.copyOfRange(value, 5 + bytes(name).length + 1, value.length));
    }
  }
}
