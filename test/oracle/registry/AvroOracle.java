import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.avro.NameValidator;
import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;

/**
 * What Java's Avro says of the schemas in a directory, in three lines of JSON: for each schema of schemas.jsonl its text and,
 * for each writer, the place of the result in the second line; these results, which are what prevents a reader from reading;
 * and whether each text of invalid-schemas.jsonl is a schema after all.
 */
public final class AvroOracle {
  private static final ObjectMapper JSON = new ObjectMapper();

  public static void main(String[] args) throws Exception {
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    List<String> texts = lines(args[0], "schemas.jsonl");
    List<Object> schemas = new ArrayList<>();
    List<Object> results = new ArrayList<>();
    List<Object> parsed = new ArrayList<>();
    for (String text : texts) {
      List<Integer> writers = new ArrayList<>();
      for (String writer : texts) {
        List<Object> found = incompatibilities(parse(text), parse(writer));
        if (!results.contains(found)) results.add(found);
        writers.add(results.indexOf(found));
      }
      schemas.add(List.of(parse(text).toString(), writers));
    }
    for (String text : lines(args[0], "invalid-schemas.jsonl")) {
      boolean parses = true;
      try {
        parse(text);
      } catch (RuntimeException e) {
        parses = false;
      }
      parsed.add(parses);
    }
    for (Object line : List.of(schemas, results, parsed)) out.println(JSON.writeValueAsString(line));
    out.flush();
  }

  private static List<String> lines(String directory, String file) throws Exception {
    List<String> texts = new ArrayList<>();
    for (String line : Files.readAllLines(Path.of(directory, file))) texts.add(JSON.readValue(line, String.class));
    return texts;
  }

  private static Schema parse(String text) {
    Schema.Parser parser = new Schema.Parser(NameValidator.STRICT_VALIDATOR);
    parser.setValidateDefaults(false);
    return parser.parse(text);
  }

  private static List<Object> incompatibilities(Schema reader, Schema writer) {
    List<Object> found = new ArrayList<>();
    try {
      for (SchemaCompatibility.Incompatibility one :
          SchemaCompatibility.checkReaderWriterCompatibility(reader, writer).getResult().getIncompatibilities())
        found.add(List.of(one.getType().name(), one.getLocation(), one.getMessage()));
    } catch (RuntimeException e) {
      found.add(e.getMessage());
    }
    return found;
  }
}
