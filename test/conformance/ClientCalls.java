import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.sourcelab.kafka.connect.apiclient.Configuration;
import org.sourcelab.kafka.connect.apiclient.KafkaConnectClient;
import org.sourcelab.kafka.connect.apiclient.request.dto.ConnectorPluginConfigDefinition;
import org.sourcelab.kafka.connect.apiclient.request.dto.NewConnectorDefinition;
import org.sourcelab.kafka.connect.apiclient.request.post.PostConnectorRestart;

/**
 * Calls every method of org.sourcelab's client for a worker's REST API, and prints a line for each call: method, arguments and
 * result, separated by tabs. Arguments: URL of the worker, input file, output file.
 */
public final class ClientCalls {
  private static final ObjectMapper json = JsonMapper.builder()
      .enable(MapperFeature.SORT_PROPERTIES_ALPHABETICALLY)
      .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
      .disable(SerializationFeature.FAIL_ON_EMPTY_BEANS)
      .build();
  private static final long PATIENCE_MS = 60_000;

  private final TreeSet<String> called = new TreeSet<>();
  private final KafkaConnectClient client;

  private ClientCalls(String url) {
    client = new KafkaConnectClient(new Configuration(url));
  }

  public static void main(String[] args) throws Exception {
    ClientCalls calls = new ClientCalls(args[0]);
    calls.all(args[1], args[2]);
    for (Method method : KafkaConnectClient.class.getDeclaredMethods())
      if (java.lang.reflect.Modifier.isPublic(method.getModifiers()) && !calls.called.contains(method.toString()))
        System.out.println("not called\t" + method + "\t\"\"");
  }

  private void all(String input, String output) throws Exception {
    Map<String, String> source = Map.of(
        "connector.class", "FileStreamSource", "tasks.max", "1", "topic", "lines", "file", input);
    Map<String, String> sink = Map.of(
        "connector.class", "FileStreamSink", "tasks.max", "2", "topics", "lines", "file", output);
    call("getConnectServerVersion");
    call("getConnectors");
    call("addConnector", new NewConnectorDefinition("src", source));
    call("addConnector", new NewConnectorDefinition("src", source));
    call("addConnector", new NewConnectorDefinition("a/b c%d", source));
    call("addConnector", new NewConnectorDefinition("bad", Map.of("connector.class", "FileStreamSource", "tasks.max", "x")));
    call("addConnector", new NewConnectorDefinition("snk", sink));
    running("src", 1);
    running("a/b c%d", 1);
    running("snk", 2);
    for (String name : new String[] {"src", "snk", "a/b c%d"}) usesTopic(name, "lines");
    for (String name : new String[] {"src", "snk", "a/b c%d", "nope"}) {
      call("getConnector", name);
      call("getConnectorConfig", name);
      call("getConnectorStatus", name);
      call("getConnectorTasks", name);
      call("getConnectorTaskStatus", name, 0);
      call("getConnectorTaskStatus", name, 9);
      call("getConnectorTopics", name);
      call("restartConnectorTask", name, 0);
      call("restartConnectorTask", name, 9);
      call("restartConnector", name);
      call("restartConnector", new PostConnectorRestart(name).withIncludeTasks(true).withOnlyFailed(true));
    }
    running("src", 1);
    running("snk", 2);
    call("getConnectors");
    call("getConnectorsWithExpandedStatus");
    call("getConnectorsWithExpandedInfo");
    call("getConnectorsWithAllExpandedMetadata");
    call("updateConnectorConfig", "snk", with(sink, "tasks.max", "1"));
    call("updateConnectorConfig", "snk", with(sink, "tasks.max", "x"));
    call("updateConnectorConfig", "new", with(source, "name", "new"));
    running("new", 1);
    for (String name : new String[] {"src", "nope"}) {
      call("pauseConnector", name);
      if (name.equals("src")) state(name, "PAUSED", 2);
      call("resumeConnector", name);
      if (name.equals("src")) running(name, 1);
      call("stopConnector", name);
      if (name.equals("src")) state(name, "STOPPED", 1);
      call("resetConnectorTopics", name);
      if (name.equals("src")) usesNoTopic(name);
      call("getConnectorStatus", name);
      call("getConnectorTopics", name);
    }
    call("getConnectorPlugins");
    call("validateConnectorPluginConfig", new ConnectorPluginConfigDefinition("FileStreamSource", with(source, "name", "v")));
    call("validateConnectorPluginConfig", new ConnectorPluginConfigDefinition("FileStreamSource", with(source, "tasks.max", "x")));
    call("validateConnectorPluginConfig", new ConnectorPluginConfigDefinition("Nope", with(source, "connector.class", "Nope")));
    for (String name : new String[] {"src", "snk", "a/b c%d", "new", "nope"}) call("deleteConnector", name);
    call("getConnectors");
  }

  private static Map<String, String> with(Map<String, String> config, String key, String value) {
    Map<String, String> changed = new java.util.TreeMap<>(config);
    changed.put(key, value);
    return changed;
  }

  /** Prints the result of a method by its name; one that this version of the client does not have is left out. */
  private void call(String name, Object... args) throws Exception {
    Method method = Arrays.stream(KafkaConnectClient.class.getMethods())
        .filter(found -> found.getName().equals(name) && takes(found, args))
        .findFirst().orElse(null);
    if (method != null) called.add(method.toString());
    String given = Arrays.stream(args).map(ClientCalls::text).collect(Collectors.joining(" "));
    System.out.println(name + "\t" + given + "\t" + (method == null ? "\"no such method\"" : result(() -> method.invoke(client, args))));
  }

  private static boolean takes(Method method, Object[] args) {
    Class<?>[] types = method.getParameterTypes();
    if (types.length != args.length) return false;
    for (int i = 0; i < args.length; i++)
      if (!types[i].isInstance(args[i]) && !(types[i] == int.class && args[i] instanceof Integer)) return false;
    return true;
  }

  /** A group that rebalances refuses requests for a moment. */
  private String result(Callable<Object> request) throws Exception {
    long end = System.currentTimeMillis() + PATIENCE_MS;
    for (;;) {
      try {
        return text(request.call());
      } catch (InvocationTargetException error) {
        Throwable cause = error.getCause();
        String message = String.valueOf(cause.getMessage());
        if (!message.matches("(?s).*(rebalance|momentarily|stale configuration).*") || System.currentTimeMillis() > end)
          return json.writeValueAsString(Map.of("exception", cause.getClass().getSimpleName(), "message", message));
        Thread.sleep(100);
      }
    }
  }

  private static String text(Object value) {
    try {
      return json.writeValueAsString(value);
    } catch (com.fasterxml.jackson.core.JsonProcessingException error) {
      return '"' + String.valueOf(value).replace("\"", "\\\"") + '"';
    }
  }

  private static int occurrences(String text, String part) {
    return text.split(java.util.regex.Pattern.quote(part), -1).length - 1;
  }

  private void running(String name, int tasks) throws Exception {
    state(name, "RUNNING", 1 + tasks);
  }

  /** Waits until the connector and its tasks are in a state. */
  private void state(String name, String state, int count) throws Exception {
    until(
        name + " is not " + state,
        () -> client.getConnectorStatus(name),
        status -> occurrences(status, "\"state\":\"" + state + "\"") == count && occurrences(status, "\"state\":") == count);
  }

  /** Waits until the first records have named the topic of a connector, which may be after its tasks run. */
  private void usesTopic(String name, String topic) throws Exception {
    until(
        name + " does not use " + topic,
        () -> client.getConnectorTopics(name),
        topics -> topics.contains('"' + topic + '"'));
  }

  /** Waits until a reset is read back. */
  private void usesNoTopic(String name) throws Exception {
    until(name + " uses topics", () -> client.getConnectorTopics(name), topics -> topics.contains("\"topics\":[]"));
  }

  private void until(String what, Callable<Object> request, java.util.function.Predicate<String> holds) throws Exception {
    long end = System.currentTimeMillis() + PATIENCE_MS;
    for (;;) {
      String response = result(() -> {
        try {
          return request.call();
        } catch (RuntimeException error) {
          throw new InvocationTargetException(error);
        }
      });
      if (holds.test(response)) return;
      if (System.currentTimeMillis() > end) throw new IllegalStateException(what + ": " + response);
      Thread.sleep(50);
    }
  }
}
