import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintWriter;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.ConnectSchema;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.header.ConnectHeaders;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.transforms.Transformation;
import org.apache.kafka.connect.transforms.predicates.Predicate;

/**
 * Applies Kafka Connect's own transforms and predicates. Arguments: input file, output file. Each line of the input is a
 * case (class, config, record) in the form of oracle-json.ts; its line of the output is the result: the parts of the
 * record that changed, or the exception. A case without a record gives the keys of the class's ConfigDef.
 */
public final class TransformOracle {
  private static final ObjectMapper json = new ObjectMapper();
  private static final JsonNodeFactory nodes = JsonNodeFactory.instance;
  private static final long DAY_MS = 86_400_000L;
  private static final long SAFE = (1L << 53) - 1;
  /** Debezium's sources have bytes in buffers, which are equal if their bytes are. */
  private static boolean inBuffers;
  private static final String DATA = "org.apache.kafka.connect.data.";

  public static void main(String[] args) throws Exception {
    try (PrintWriter out = new PrintWriter(args[1], "UTF-8")) {
      for (String line : Files.readAllLines(Path.of(args[0]))) out.print(json.writeValueAsString(resultOf(json.readTree(line))) + "\n");
    }
  }

  @SuppressWarnings("unchecked")
  private static ObjectNode resultOf(JsonNode given) throws Exception {
    inBuffers = given.get("class").asText().startsWith("io.debezium.");
    Object plugin = Class.forName(given.get("class").asText()).getDeclaredConstructor().newInstance();
    ObjectNode result = nodes.objectNode();
    if (!given.has("record")) {
      ConfigDef def = plugin instanceof Transformation ? ((Transformation<?>) plugin).config() : ((Predicate<?>) plugin).config();
      return result.set("keys", keysOf(def));
    }
    Map<String, String> config = new LinkedHashMap<>();
    given.get("config").fields().forEachRemaining(e -> config.put(e.getKey(), e.getValue().isNull() ? null : e.getValue().asText()));
    ConnectRecord<?> record = recordOf(given.get("record"));
    try {
      // Both steps of a worker: the definition's own checks, then the plugin's.
      if (given.has("chunks")) setMetadata(plugin, config, given.get("chunks"));
      if (plugin instanceof Transformation) ((Transformation<?>) plugin).configure(config);
      else ((Predicate<?>) plugin).configure(config);
    } catch (Exception e) {
      return result.set("configError", errorOf(e));
    }
    try {
      if (plugin instanceof Predicate)
        return result.put("test", ((Predicate<SinkRecord>) plugin).test((SinkRecord) (Object) record));
      ObjectNode before = jsonOf(record);
      ConnectRecord<?> after = record instanceof SinkRecord
          ? ((Transformation<SinkRecord>) plugin).apply((SinkRecord) record)
          : ((Transformation<SourceRecord>) plugin).apply((SourceRecord) record);
      if (after == null) return result.put("dropped", true);
      ObjectNode changed = nodes.objectNode();
      jsonOf(after).fields().forEachRemaining(e -> {
        JsonNode old = before.get(e.getKey());
        if (e.getValue().equals(old)) return;
        boolean sameSchema = e.getValue().has("schema") && e.getValue().get("schema").equals(old.get("schema"));
        changed.set(e.getKey(), sameSchema ? ((ObjectNode) e.getValue()).put("schema", "unchanged") : e.getValue());
      });
      return result.set("changed", changed);
    } catch (Exception e) {
      return result.set("error", errorOf(e));
    }
  }

  /**
   * Gives Debezium's TimescaleDb the chunks instead of a database: each is the schemas and names of the chunk, of its hypertable, and of
   * the continuous aggregate, if there is one. Its own class reads schema.list. By reflection, because Kafka's jars alone lack the classes.
   */
  private static void setMetadata(Object plugin, Map<String, String> config, JsonNode chunks) throws Exception {
    String own = plugin.getClass().getPackageName() + ".";
    Class<?> metadata = Class.forName(own + "TimescaleDbMetadata");
    Class<?> configuration = Class.forName("io.debezium.config.Configuration");
    Object read = configuration.getMethod("from", Map.class).invoke(null, config);
    Object original = Class.forName(own + "QueryInformationSchemaMetadata").getConstructor(configuration).newInstance(read);
    Map<Object, Object> hypertables = new LinkedHashMap<>();
    Map<Object, Object> aggregates = new LinkedHashMap<>();
    for (JsonNode chunk : chunks) {
      hypertables.put(tableId(chunk, 0), tableId(chunk, 2));
      if (chunk.size() > 4) aggregates.put(tableId(chunk, 2), tableId(chunk, 4));
    }
    Object given = Proxy.newProxyInstance(metadata.getClassLoader(), new Class<?>[] {metadata}, (proxy, method, args) -> {
      if (method.getName().equals("hypertableId")) return Optional.ofNullable(hypertables.get(args[0]));
      if (method.getName().equals("aggregateId")) return Optional.ofNullable(aggregates.get(args[0]));
      return method.invoke(original, args);
    });
    Method set = plugin.getClass().getDeclaredMethod("setMetadata", metadata);
    set.setAccessible(true);
    set.invoke(plugin, given);
  }

  private static Object tableId(JsonNode chunk, int at) throws Exception {
    return Class.forName("io.debezium.relational.TableId").getConstructor(String.class, String.class, String.class)
        .newInstance(null, chunk.get(at).asText(), chunk.get(at + 1).asText());
  }

  private static ObjectNode errorOf(Exception e) {
    return nodes.objectNode().put("class", e.getClass().getSimpleName()).put("message", withoutAddress(e.getMessage()));
  }

  /** Java shows an object without text as its class and address. */
  private static String withoutAddress(String message) {
    return message == null ? null : message.replaceAll("@[0-9a-f]{4,}", "@0");
  }

  private static ArrayNode keysOf(ConfigDef def) {
    ArrayNode keys = nodes.arrayNode();
    for (ConfigDef.ConfigKey key : def.configKeys().values()) {
      ObjectNode node = keys.addObject();
      node.put("name", key.name).put("type", key.type.name()).put("required", !key.hasDefault());
      node.put("defaultValue", key.hasDefault() ? ConfigDef.convertToString(key.defaultValue, key.type) : null);
      node.put("importance", key.importance.name()).put("documentation", key.documentation);
      node.put("group", key.group).put("width", key.width.name()).put("displayName", key.displayName);
      node.set("dependents", json.valueToTree(key.dependents));
      node.put("order", key.orderInGroup);
      if (key.validator != null) node.put("validator", key.validator.toString());
    }
    return keys;
  }

  // Records

  private static ConnectRecord<?> recordOf(JsonNode node) {
    SchemaAndValue key = partOf(node.get("key"));
    SchemaAndValue value = partOf(node.get("value"));
    ConnectHeaders headers = new ConnectHeaders();
    for (JsonNode header : node.path("headers")) headers.add(header.get("name").asText(), partOf(header));
    Integer partition = node.path("partition").isNumber() ? node.get("partition").asInt() : null;
    Long timestamp = node.hasNonNull("timestamp") ? Long.valueOf(node.get("timestamp").asText()) : null;
    String topic = node.get("topic").asText();
    if (node.has("offset"))
      return new SinkRecord(topic, partition, key.schema(), key.value(), value.schema(), value.value(),
          node.get("offset").asLong(), timestamp, TimestampType.CREATE_TIME, headers);
    return new SourceRecord(Map.of(), Map.of(), topic, partition, key.schema(), key.value(), value.schema(), value.value(),
        timestamp, headers);
  }

  private static ObjectNode jsonOf(ConnectRecord<?> record) {
    ObjectNode node = nodes.objectNode();
    node.put("topic", record.topic()).put("partition", record.kafkaPartition());
    node.set("key", partJson(record.keySchema(), record.key()));
    node.set("value", partJson(record.valueSchema(), record.value()));
    node.put("timestamp", record.timestamp() == null ? null : record.timestamp().toString());
    ArrayNode headers = node.putArray("headers");
    for (Header header : record.headers()) {
      ObjectNode entry = headers.addObject().put("name", header.key());
      entry.setAll(partJson(header.schema(), header.value()));
    }
    return node;
  }

  private static SchemaAndValue partOf(JsonNode node) {
    if (node == null) return SchemaAndValue.NULL;
    if (!node.hasNonNull("schema")) return new SchemaAndValue(null, plainOf(node.get("value")));
    Schema schema = schemaOf(node.get("schema"));
    return new SchemaAndValue(schema, valueOf(schema, node.get("value")));
  }

  private static ObjectNode partJson(Schema schema, Object value) {
    ObjectNode node = nodes.objectNode();
    if (schema != null) node.set("schema", schemaJson(schema));
    node.set("value", schema == null ? plainJson(value) : valueJson(schema, value));
    return node;
  }

  // Schemas

  private static Schema schemaOf(JsonNode node) {
    Schema.Type type = Schema.Type.valueOf(node.get("type").asText());
    List<Field> fields = new ArrayList<>();
    for (JsonNode field : node.path("fields"))
      fields.add(new Field(field.get("name").asText(), fields.size(), schemaOf(field.get("schema"))));
    Map<String, String> parameters = null;
    if (node.has("parameters")) {
      parameters = new LinkedHashMap<>();
      for (Iterator<Map.Entry<String, JsonNode>> i = node.get("parameters").fields(); i.hasNext(); ) {
        Map.Entry<String, JsonNode> entry = i.next();
        parameters.put(entry.getKey(), entry.getValue().asText());
      }
    }
    Schema keys = node.has("keys") ? schemaOf(node.get("keys")) : null;
    Schema values = node.has("values") ? schemaOf(node.get("values")) : null;
    String name = node.hasNonNull("name") ? node.get("name").asText() : null;
    Integer version = node.hasNonNull("version") ? node.get("version").asInt() : null;
    String doc = node.hasNonNull("doc") ? node.get("doc").asText() : null;
    boolean optional = node.path("optional").asBoolean();
    Schema bare = new ConnectSchema(type, optional, null, name, version, doc, parameters, fields, keys, values);
    if (!node.has("default")) return bare;
    return new ConnectSchema(type, optional, valueOf(bare, node.get("default")), name, version, doc, parameters, fields, keys, values);
  }

  private static ObjectNode schemaJson(Schema schema) {
    ObjectNode node = nodes.objectNode().put("type", schema.type().name());
    if (schema.isOptional()) node.put("optional", true);
    if (schema.name() != null) node.put("name", schema.name());
    if (schema.version() != null) node.put("version", schema.version());
    if (schema.doc() != null) node.put("doc", schema.doc());
    if (schema.parameters() != null) node.set("parameters", json.valueToTree(new TreeMap<>(schema.parameters())));
    if (schema.type() == Schema.Type.STRUCT) {
      ArrayNode fields = node.putArray("fields");
      for (Field field : schema.fields()) fields.addObject().put("name", field.name()).set("schema", schemaJson(field.schema()));
    }
    if (schema.type() == Schema.Type.MAP && schema.keySchema() != null) node.set("keys", schemaJson(schema.keySchema()));
    if ((schema.type() == Schema.Type.MAP || schema.type() == Schema.Type.ARRAY) && schema.valueSchema() != null)
      node.set("values", schemaJson(schema.valueSchema()));
    if (schema.defaultValue() != null) node.set("default", valueJson(schema, schema.defaultValue()));
    return node;
  }

  // Values with a schema

  private static Object valueOf(Schema schema, JsonNode node) {
    if (node == null || node.isNull()) return null;
    if (schema.name() != null && schema.name().startsWith(DATA)) {
      String logical = schema.name().substring(DATA.length());
      if (logical.equals("Decimal"))
        return new BigDecimal(node.asText()).setScale(Integer.parseInt(schema.parameters().get("scale")), RoundingMode.UNNECESSARY);
      if (logical.equals("Date")) return new java.util.Date(node.asLong() * DAY_MS);
      if (logical.equals("Time") || logical.equals("Timestamp")) return new java.util.Date(Long.parseLong(node.asText()));
    }
    switch (schema.type()) {
      case INT8: return (byte) node.asInt();
      case INT16: return (short) node.asInt();
      case INT32: return node.asInt();
      case INT64: return Long.valueOf(node.asText());
      case FLOAT32: return Float.valueOf(node.asText());
      case FLOAT64: return Double.valueOf(node.asText());
      case BOOLEAN: return node.asBoolean();
      case STRING: return node.asText();
      case BYTES: {
        byte[] bytes = HexFormat.of().parseHex(node.asText());
        return inBuffers ? ByteBuffer.wrap(bytes) : bytes;
      }
      case ARRAY: {
        List<Object> items = new ArrayList<>();
        for (JsonNode item : node) items.add(valueOf(schema.valueSchema(), item));
        return items;
      }
      case MAP: {
        Map<Object, Object> map = new LinkedHashMap<>();
        for (JsonNode entry : node) map.put(valueOf(schema.keySchema(), entry.get(0)), valueOf(schema.valueSchema(), entry.get(1)));
        return map;
      }
      default: {
        // Without Struct.put, which would refuse values that a converter can make: null where a default stands in.
        Struct struct = new Struct(schema);
        for (Field field : schema.fields()) {
          Object value = valueOf(field.schema(), node.get(field.index()));
          if (value != null) struct.put(field, value);
        }
        return struct;
      }
    }
  }

  private static JsonNode valueJson(Schema schema, Object value) {
    if (value == null) return nodes.nullNode();
    if (value instanceof BigDecimal) return nodes.textNode(((BigDecimal) value).toPlainString());
    if (value instanceof java.util.Date) {
      long ms = ((java.util.Date) value).getTime();
      boolean days = (DATA + "Date").equals(schema.name());
      if (days && ms % DAY_MS != 0) return nodes.textNode("not a day: " + ms);
      return integer(days ? ms / DAY_MS : ms);
    }
    if (value instanceof Byte || value instanceof Short || value instanceof Integer || value instanceof Long)
      return integer(((Number) value).longValue());
    if (value instanceof Float || value instanceof Double) return nodes.textNode(value.toString());
    if (value instanceof Boolean) return nodes.booleanNode((Boolean) value);
    if (value instanceof String) return nodes.textNode((String) value);
    if (value instanceof byte[] || value instanceof ByteBuffer) return nodes.textNode(hex(value));
    ArrayNode items = nodes.arrayNode();
    if (value instanceof Struct) {
      Struct struct = (Struct) value;
      for (Field field : struct.schema().fields()) items.add(valueJson(field.schema(), struct.getWithoutDefault(field.name())));
      return items;
    }
    if (value instanceof List) {
      for (Object item : (List<?>) value) items.add(schema.valueSchema() == null ? plainJson(item) : valueJson(schema.valueSchema(), item));
      return items;
    }
    for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
      ArrayNode pair = items.addArray();
      pair.add(schema.keySchema() == null ? plainJson(entry.getKey()) : valueJson(schema.keySchema(), entry.getKey()));
      pair.add(schema.valueSchema() == null ? plainJson(entry.getValue()) : valueJson(schema.valueSchema(), entry.getValue()));
    }
    return items;
  }

  private static JsonNode integer(long value) {
    return value >= -SAFE && value <= SAFE ? nodes.numberNode(value) : nodes.textNode(Long.toString(value));
  }

  private static String hex(Object bytes) {
    return HexFormat.of().formatHex(bytes instanceof ByteBuffer ? ((ByteBuffer) bytes).array() : (byte[]) bytes);
  }

  // Values without a schema, as a JsonConverter makes them

  private static Object plainOf(JsonNode node) {
    if (node == null || node.isNull()) return null;
    if (node.isIntegralNumber()) return node.asLong();
    if (node.isNumber()) return node.asDouble();
    if (node.isBoolean()) return node.asBoolean();
    if (node.isTextual()) return node.asText();
    if (node.isArray()) {
      List<Object> items = new ArrayList<>();
      for (JsonNode item : node) items.add(plainOf(item));
      return items;
    }
    if (node.has("$long")) return Long.valueOf(node.get("$long").asText());
    if (node.has("$bytes")) return HexFormat.of().parseHex(node.get("$bytes").asText());
    Map<String, Object> map = new LinkedHashMap<>();
    node.fields().forEachRemaining(e -> map.put(e.getKey(), plainOf(e.getValue())));
    return map;
  }

  private static JsonNode plainJson(Object value) {
    if (value == null) return nodes.nullNode();
    if (value instanceof Byte || value instanceof Short || value instanceof Integer || value instanceof Long) {
      long number = ((Number) value).longValue();
      return number >= -SAFE && number <= SAFE ? nodes.numberNode(number) : tagged("$long", Long.toString(number));
    }
    if (value instanceof Float) return tagged("$float", value.toString());
    if (value instanceof Double) return tagged("$double", value.toString());
    if (value instanceof Boolean) return nodes.booleanNode((Boolean) value);
    if (value instanceof String) return nodes.textNode((String) value);
    if (value instanceof byte[] || value instanceof ByteBuffer) return tagged("$bytes", hex(value));
    if (value instanceof java.util.Date) return tagged("$date", Long.toString(((java.util.Date) value).getTime()));
    if (value instanceof BigDecimal) return tagged("$decimal", ((BigDecimal) value).toPlainString());
    if (value instanceof List) {
      ArrayNode items = nodes.arrayNode();
      for (Object item : (List<?>) value) items.add(plainJson(item));
      return items;
    }
    // The order of a HashMap is not a result.
    ObjectNode object = nodes.objectNode();
    Map<String, Object> sorted = new TreeMap<>();
    for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) sorted.put(String.valueOf(entry.getKey()), entry.getValue());
    sorted.forEach((name, member) -> object.set(name, plainJson(member)));
    return object;
  }

  private static ObjectNode tagged(String tag, String text) {
    return nodes.objectNode().put(tag, text);
  }
}
