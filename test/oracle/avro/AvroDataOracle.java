import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.apicurio.registry.utils.converter.avro.AvroData;
import io.apicurio.registry.utils.converter.avro.AvroDataConfig;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.kafka.connect.json.JsonConverter;

/**
 * Which schemas correspond, as Apicurio's copy of Confluent's AvroData has it: Confluent's own is not on Maven Central. Arguments:
 * input file, output file. A line of the input is a Connect schema in the JSON of Kafka's JsonConverter, or an Avro schema; its line
 * of the output is the other one, or the error.
 */
public final class AvroDataOracle {
  private static final ObjectMapper mapper = new ObjectMapper();

  public static void main(String[] args) throws Exception {
    try (PrintWriter out = new PrintWriter(args[1], "UTF-8")) {
      for (String line : Files.readAllLines(Path.of(args[0]))) out.print(mapper.writeValueAsString(resultOf(mapper.readTree(line))) + "\n");
    }
  }

  private static ObjectNode resultOf(JsonNode given) {
    JsonConverter json = new JsonConverter();
    json.configure(Map.of("schemas.enable", "true"), false);
    Map<String, String> config = new HashMap<>();
    given.path("config").fields().forEachRemaining((entry) -> config.put(entry.getKey(), entry.getValue().asText()));
    AvroData data = new AvroData(new AvroDataConfig(config));
    ObjectNode result = mapper.createObjectNode();
    try {
      if (given.has("connect")) return result.put("avro", data.fromConnectSchema(json.asConnectSchema(given.get("connect"))).toString());
      Schema schema = new Schema.Parser().setValidateDefaults(false).parse(given.get("avro").asText());
      return result.set("connect", json.asJsonSchema(data.toConnectSchema(schema)));
    } catch (RuntimeException e) {
      return result.put("error", e.getClass().getSimpleName() + ": " + e.getMessage());
    }
  }
}
