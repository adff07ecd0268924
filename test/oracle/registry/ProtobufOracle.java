import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.confluent.kafka.schemaregistry.client.rest.entities.SchemaReference;
import io.confluent.kafka.schemaregistry.protobuf.ProtobufSchema;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What Confluent's `kafka-protobuf-provider` says of the schemas in a directory, in three lines of JSON: for each schema of
 * protobuf-schemas.jsonl its text, its normal form, its text without extensions, its descriptor,
 * the text of that and, for each writer, the place of the result in the second
 * line; these results, which are what prevents a reader from reading; and whether each text of
 * invalid-protobuf-schemas.jsonl is a valid schema after all.
 */
public final class ProtobufOracle {
  private static final ObjectMapper JSON = new ObjectMapper();

  public static void main(String[] args) throws Exception {
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    List<ProtobufSchema> all = new ArrayList<>();
    for (JsonNode line : lines(args[0], "protobuf-schemas.jsonl")) all.add(parse(line));
    List<Object> schemas = new ArrayList<>();
    List<List<String>> results = new ArrayList<>();
    for (ProtobufSchema reader : all) {
      List<Integer> writers = new ArrayList<>();
      for (ProtobufSchema writer : all) {
        List<String> found = new ArrayList<>();
        for (String text : reader.isBackwardCompatible(writer)) found.add(String.format(text, "new", "old"));
        // Messages come in the order of a hash.
        found.sort(null);
        if (!results.contains(found)) results.add(found);
        writers.add(results.indexOf(found));
      }
      Map<String, Object> schema = new LinkedHashMap<>();
      schema.put("text", reader.canonicalString());
      schema.put("normal", reader.normalize().canonicalString());
      schema.put("plain", reader.formattedString("ignore_extensions"));
      String descriptor = reader.formattedString("serialized");
      schema.put("descriptor", descriptor);
      schema.put("fromDescriptor", new ProtobufSchema(descriptor).canonicalString());
      schema.put("results", writers);
      schemas.add(schema);
    }
    List<Object> parsed = new ArrayList<>();
    for (JsonNode line : lines(args[0], "invalid-protobuf-schemas.jsonl")) {
      boolean parses = true;
      try {
        parse(line).validate(false);
      } catch (RuntimeException e) {
        parses = false;
      }
      parsed.add(parses);
    }
    for (Object line : List.of(schemas, results, parsed)) out.println(JSON.writeValueAsString(line));
    out.flush();
  }

  private static List<JsonNode> lines(String directory, String file) throws Exception {
    List<JsonNode> lines = new ArrayList<>();
    for (String line : Files.readAllLines(Path.of(directory, file))) lines.add(JSON.readTree(line));
    return lines;
  }

  /** A text, or a schema with references, each with its text. */
  private static ProtobufSchema parse(JsonNode line) {
    if (line.isTextual()) return new ProtobufSchema(line.asText());
    List<SchemaReference> references = new ArrayList<>();
    Map<String, String> resolved = new LinkedHashMap<>();
    for (JsonNode one : line.get("references")) {
      String name = one.get("name").asText();
      if (one.has("subject")) references.add(new SchemaReference(name, one.get("subject").asText(), one.get("version").asInt()));
      resolved.put(name, one.get("schema").asText());
    }
    return new ProtobufSchema(line.get("schema").asText(), references, resolved, null, null);
  }
}
