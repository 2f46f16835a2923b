package carillon.peer;

import java.util.Properties;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;

/** The Kafka Streams application: {@code Peer SETTINGS}. Runs until it is killed. */
public final class Peer {
  private Peer() {}

  public static void main(String[] args) throws Exception {
    Settings settings = Settings.read(args[0]);
    Properties config = settings.streamsConfig();
    Topology topology = RenoTopology.build(settings, config);
    System.out.println(topology.describe());
    KafkaStreams streams = new KafkaStreams(topology, config);
    streams.setStateListener((now, before) -> {
      if (now == KafkaStreams.State.RUNNING) System.out.println("The peer runs.");
      // A benchmark that goes on without a thread would measure something else.
      if (now == KafkaStreams.State.ERROR) Runtime.getRuntime().halt(1);
    });
    streams.setUncaughtExceptionHandler(error -> {
      error.printStackTrace();
      return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    });
    Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
    streams.start();
  }
}
