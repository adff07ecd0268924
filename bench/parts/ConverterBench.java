import com.sun.management.OperatingSystemMXBean;
import io.apicurio.registry.utils.converter.avro.AvroData;
import io.apicurio.registry.utils.converter.avro.AvroDataConfig;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.json.JsonConverter;

/**
 * How many records a second of CPU time converters of Java convert. Arguments: a file of JSON messages with schemas, one a line; the
 * number of records of a run; the number of runs after one of warm-up. Writes a line for each conversion: its name, and the rate of
 * each run.
 */
public final class ConverterBench {
  private interface Once {
    Object convert(int i) throws IOException;
  }

  private static final OperatingSystemMXBean process = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
  /** Keeps results in use, so that the compiler cannot leave a conversion out. */
  private static volatile Object last;

  public static void main(String[] args) throws Exception {
    JsonConverter withSchemas = json(true);
    JsonConverter plain = json(false);
    List<SchemaAndValue> changes = Files.readAllLines(Path.of(args[0])).stream().map((line) -> withSchemas.toConnectData("orders", line.getBytes(java.nio.charset.StandardCharsets.UTF_8))).toList();
    int n = changes.size();
    int count = Integer.parseInt(args[1]);
    int runs = Integer.parseInt(args[2]);
    byte[][] schemaBytes = new byte[n][];
    byte[][] plainBytes = new byte[n][];
    byte[][] avroBytes = new byte[n][];
    AvroData data = new AvroData(new AvroDataConfig(Map.of()));
    org.apache.avro.Schema schema = data.fromConnectSchema(changes.get(0).schema());
    GenericDatumWriter<Object> writer = new GenericDatumWriter<>(schema);
    GenericDatumReader<Object> reader = new GenericDatumReader<>(schema);
    for (int i = 0; i < n; i++) {
      schemaBytes[i] = write(withSchemas, changes.get(i));
      plainBytes[i] = write(plain, changes.get(i));
      avroBytes[i] = avro(data, writer, changes.get(i));
    }
    measure("change → JSON", count, runs, (i) -> write(plain, changes.get(i % n)));
    measure("JSON → change", count, runs, (i) -> plain.toConnectData("orders", plainBytes[i % n]));
    measure("change → JSON with schemas", count, runs, (i) -> write(withSchemas, changes.get(i % n)));
    measure("JSON with schemas → change", count, runs, (i) -> withSchemas.toConnectData("orders", schemaBytes[i % n]));
    measure("change → Avro", count, runs, (i) -> avro(data, writer, changes.get(i % n)));
    measure("Avro → change", count, runs, (i) -> data.toConnectData(schema, reader.read(null, DecoderFactory.get().binaryDecoder(avroBytes[i % n], null))));
  }

  private static JsonConverter json(boolean schemas) {
    JsonConverter converter = new JsonConverter();
    converter.configure(Map.of("schemas.enable", String.valueOf(schemas)), false);
    return converter;
  }

  private static byte[] write(JsonConverter converter, SchemaAndValue change) {
    return converter.fromConnectData("orders", change.schema(), change.value());
  }

  private static byte[] avro(AvroData data, GenericDatumWriter<Object> writer, SchemaAndValue change) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    BinaryEncoder encoder = EncoderFactory.get().directBinaryEncoder(out, null);
    writer.write(data.fromConnectData(change.schema(), change.value()), encoder);
    encoder.flush();
    return out.toByteArray();
  }

  private static void measure(String what, int count, int runs, Once once) throws IOException {
    StringBuilder line = new StringBuilder(what);
    for (int run = 0; run <= runs; run++) {
      long start = process.getProcessCpuTime();
      for (int i = 0; i < count; i++) last = once.convert(i);
      double seconds = (process.getProcessCpuTime() - start) / 1e9;
      if (run > 0) line.append('\t').append(count / seconds);
    }
    System.out.println(line);
  }
}
