import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.apicurio.registry.serde.avro.AvroKafkaDeserializer;
import io.apicurio.registry.serde.avro.AvroKafkaSerializer;
import io.apicurio.registry.serde.jsonschema.JsonSchemaKafkaDeserializer;
import io.apicurio.registry.serde.jsonschema.JsonSchemaKafkaSerializer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Consumes topics with Apicurio's deserializers in the wire format of Confluent, and produces what it has read to others with the
 * serializers. Arguments: a file with a line {"bootstrap", "registry", "format", "from", "to", "count"} for each topic, and one for the
 * texts of the values, a line for each topic.
 */
public class JavaExchange {
  private static final ObjectMapper json = new ObjectMapper();

  public static void main(String[] args) throws Exception {
    List<String> said = new ArrayList<>();
    for (String line : Files.readAllLines(Path.of(args[0]))) said.add(json.writeValueAsString(exchanged(json.readTree(line))));
    Files.write(Path.of(args[1]), said);
  }

  private static List<String> exchanged(JsonNode asked) {
    boolean isAvro = asked.get("format").asText().equals("avro");
    Map<String, Object> serde = new HashMap<>();
    serde.put("apicurio.registry.url", asked.get("registry").asText());
    serde.put("apicurio.registry.as-confluent", "true");
    serde.put("apicurio.registry.use-id", "contentId");
    serde.put("apicurio.registry.headers.enabled", "false");
    serde.put("apicurio.registry.auto-register", String.valueOf(isAvro));
    serde.put("apicurio.registry.find-latest", String.valueOf(!isAvro));
    if (!isAvro) serde.put("apicurio.registry.deserializer.value.return-class", JsonNode.class.getName());
    @SuppressWarnings("resource")
    Deserializer<Object> reads = isAvro ? new AvroKafkaDeserializer<>() : new JsonSchemaKafkaDeserializer<>();
    @SuppressWarnings("resource")
    Serializer<Object> writes = isAvro ? new AvroKafkaSerializer<>() : new JsonSchemaKafkaSerializer<>();
    reads.configure(serde, false);
    writes.configure(serde, false);
    Map<String, Object> kafka = Map.of(
        "bootstrap.servers", asked.get("bootstrap").asText(), "group.id", "java", "auto.offset.reset", "earliest");
    List<String> texts = new ArrayList<>();
    try (var consumer = new KafkaConsumer<>(kafka, new StringDeserializer(), reads);
        var producer = new KafkaProducer<>(kafka, new StringSerializer(), writes)) {
      consumer.subscribe(List.of(asked.get("from").asText()));
      long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
      while (texts.size() < asked.get("count").asInt() && System.nanoTime() < end) {
        for (var record : consumer.poll(Duration.ofMillis(100))) {
          texts.add(String.valueOf(record.value()));
          producer.send(new ProducerRecord<>(asked.get("to").asText(), record.key(), record.value()));
        }
      }
      producer.flush();
    }
    return texts;
  }
}
