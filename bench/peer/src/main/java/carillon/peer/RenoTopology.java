package carillon.peer;

import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.state.KeyValueBytesStoreSupplier;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * topology/reno.yaml as one sub-topology: all six event topics and the devices table into one task
 * for each partition. Priorities share the task, as Kafka Streams reads a topic once for an
 * application: there are no bulkheads between them, which costs less.
 */
final class RenoTopology {
  private RenoTopology() {}

  static Topology build(Settings settings, Properties config) {
    StreamsBuilder builder = new StreamsBuilder();
    Map<String, Integer> schemaIds = settings.schemaIds();
    EventDeserializer decoder = new EventDeserializer(schemaIds);
    // Only events are read: the serializer is never asked for.
    Serde<Event> events = Serdes.serdeFrom((topic, event) -> event.wire, decoder);

    builder.addStateStore(store(settings, Dedup.STORE, Serdes.ByteArray()));
    builder.addStateStore(store(settings, FanOut.NUMBERS, MemberNumbers.SERDE));
    builder.table("tables.devices", Consumed.with(Serdes.String(), MemberDevices.SERDE),
        Materialized.<String, MemberDevices>as(supplier(settings, FanOut.DEVICES))
            .withCachingDisabled());

    KStream<String, Event> deduped = builder
        .stream(UseCase.topics(), Consumed.with(Serdes.String(), events)
            .withTimestampExtractor((record, partitionTime) ->
                record.value() instanceof Event event ? event.timeMs : -1))
        .processValues(GateStaleness::new)
        .processValues(Dedup::new, Dedup.STORE);
    KStream<String, Event> single = deduped;
    if (settings.coalesces()) {
      builder.addStateStore(store(settings, Coalesce.STORE, Held.serde(decoder)));
      single = deduped.process(Coalesce::new, Coalesce.STORE);
    }
    single
        .process(FanOut::new, FanOut.DEVICES, FanOut.NUMBERS)
        .to((key, notification, context) -> notification.lane(),
            Produced.with(Serdes.String(), Serdes.serdeFrom(
                DeviceNotification.serializer(schemaIds.get("DeviceNotification")),
                (topic, bytes) -> null)));
    return builder.build(config);
  }

  /** Without a cache: of 100 ms hardly two writes go to the same key. */
  private static <V> StoreBuilder<KeyValueStore<String, V>> store(
      Settings settings, String name, Serde<V> values) {
    return Stores.keyValueStoreBuilder(supplier(settings, name), Serdes.String(), values)
        .withLoggingEnabled(Map.of())
        .withCachingDisabled();
  }

  private static KeyValueBytesStoreSupplier supplier(Settings settings, String name) {
    return settings.onDisk()
        ? Stores.persistentKeyValueStore(name)
        : Stores.inMemoryKeyValueStore(name);
  }
}
