import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.joda.time.DateTime;
import org.joda.time.DateTimeZone;
import org.joda.time.format.DateTimeFormat;

/**
 * The directories of Confluent's TimeBasedPartitioner, by the same calls of Joda. Arguments: input file, output file. A line of the
 * input is a JSON array of strings: pattern, locale, zone, interval in ms, time in ms. Its line of the output is a JSON string.
 */
public final class JodaOracle {
  public static void main(String[] args) throws Exception {
    try (PrintWriter out = new PrintWriter(args[1], "UTF-8")) {
      for (String line : Files.readAllLines(Path.of(args[0]))) {
        String[] given = line.substring(2, line.length() - 2).split("\",\"");
        out.print("\"" + pathOf(given[0], given[1], given[2], Long.parseLong(given[3]), Long.parseLong(given[4])) + "\"\n");
      }
    }
  }

  private static String pathOf(String pattern, String locale, String zoneId, long interval, long time) {
    DateTimeZone zone = DateTimeZone.forID(zoneId);
    long start = zone.convertUTCToLocal(time) / interval * interval;
    return new DateTime(zone.convertLocalToUTC(start, false), zone).toString(DateTimeFormat.forPattern(pattern).withZone(zone).withLocale(new Locale(locale)));
  }
}
