package carillon.nexmark;

import carillon.peer.AvroReader;
import carillon.peer.AvroWriter;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import java.util.function.BiConsumer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.EmitStrategy;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.JoinWindows;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.Repartitioned;
import org.apache.kafka.streams.kstream.SessionWindows;
import org.apache.kafka.streams.kstream.StreamJoined;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.WindowBytesStoreSupplier;

/**
 * NEXMark's queries in Kafka Streams' words. Values are read and written by hand; stores are in
 * memory, with changelogs and without caches, unless {@code onDisk}.
 */
final class Queries {
  static final Duration SIZE = Duration.ofSeconds(10);
  private static final Duration ADVANCE = Duration.ofSeconds(2);
  /** Long enough that no order of two topics makes anything late. */
  private static final Duration GRACE = Duration.ofHours(1);
  private static final double EURO = 0.908;
  private static final int Q2_MODULUS = 123;

  private final StreamsBuilder builder = new StreamsBuilder();
  private final Map<String, Integer> schemaIds;
  private final boolean onDisk;

  private Queries(Map<String, Integer> schemaIds, boolean onDisk) {
    this.schemaIds = schemaIds;
    this.onDisk = onDisk;
  }

  /** {@code schemaIds}: by the record's name. */
  static Topology build(
      String query, Map<String, Integer> schemaIds, boolean onDisk, Properties config) {
    Queries queries = new Queries(schemaIds, onDisk);
    switch (query) {
      case "q0" -> queries.passThrough();
      case "q1" -> queries.currency();
      case "q2" -> queries.selection();
      case "q5" -> queries.hotItems();
      case "q7" -> queries.highestBid();
      case "q8" -> queries.newUsers();
      case "q11" -> queries.sessions();
      case "q18" -> queries.lastBids();
      default -> throw new IllegalArgumentException("there is no query " + query);
    }
    return queries.builder.build(config);
  }

  private void passThrough() {
    builder
        .stream("nexmark.bid", Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()))
        .to("nexmark.q0", Produced.with(Serdes.ByteArray(), Serdes.ByteArray()));
  }

  private void currency() {
    Serde<Bid> euro = written("BidInEuro", (out, bid) -> out
        .writeLong(bid.auction())
        .writeLong(bid.bidder())
        .writeDouble(bid.price() * EURO)
        .writeLong(bid.dateTime())
        .copy(bid.wire(), bid.extraStart(), bid.wire().length));
    builder
        .stream("nexmark.bid", Consumed.with(Serdes.ByteArray(), Bid.SERDE))
        .to("nexmark.q1", Produced.with(Serdes.ByteArray(), euro));
  }

  private void selection() {
    Serde<Bid> price = written("AuctionPrice",
        (out, bid) -> out.writeLong(bid.auction()).writeLong(bid.price()));
    builder
        .stream("nexmark.bid", Consumed.with(Serdes.ByteArray(), Bid.SERDE))
        .filter((key, bid) -> bid.auction() % Q2_MODULUS == 0)
        .to("nexmark.q2", Produced.with(Serdes.ByteArray(), price));
  }

  /** Counts by auction and window, then the highest of each window. */
  private void hotItems() {
    bids().groupByKey(Grouped.with(Serdes.String(), Bid.SERDE))
        .windowedBy(TimeWindows.ofSizeWithNoGrace(SIZE).advanceBy(ADVANCE))
        .emitStrategy(EmitStrategy.onWindowClose())
        .count(Materialized.<String, Long>as(windows("counts", SIZE))
            .withKeySerde(Serdes.String()).withValueSerde(Serdes.Long()).withCachingDisabled())
        .toStream()
        .map((auction, count) ->
            KeyValue.pair(auction.window().start(), new Pair(count, Long.parseLong(auction.key()))))
        .groupByKey(Grouped.with("by-window", Serdes.Long(), Pair.SERDE))
        .reduce(Pair::higher, Materialized.<Long, Pair>as(Stores.inMemoryKeyValueStore("hottest"))
            .withKeySerde(Serdes.Long()).withValueSerde(Pair.SERDE).withCachingDisabled())
        .toStream()
        .map((window, pair) -> KeyValue.pair(window.toString(), new Told(window, pair)))
        .to("nexmark.q5", Produced.with(Serdes.String(), written("HotItem", Told::write)));
  }

  /** The highest of each auction and window, then of each window. */
  private void highestBid() {
    TimeWindows tumbling = TimeWindows.ofSizeWithNoGrace(SIZE);
    bids().mapValues(bid -> new Pair(bid.price(), bid.auction()))
        .groupByKey(Grouped.with(Serdes.String(), Pair.SERDE))
        .windowedBy(tumbling)
        .emitStrategy(EmitStrategy.onWindowClose())
        .reduce(Pair::higher, Materialized.<String, Pair>as(windows("of-auctions", SIZE))
            .withKeySerde(Serdes.String()).withValueSerde(Pair.SERDE).withCachingDisabled())
        .toStream()
        .selectKey((auction, pair) -> "all")
        .groupByKey(Grouped.with("together", Serdes.String(), Pair.SERDE))
        .windowedBy(tumbling)
        .emitStrategy(EmitStrategy.onWindowClose())
        .reduce(Pair::higher, Materialized.<String, Pair>as(windows("highest", SIZE))
            .withKeySerde(Serdes.String()).withValueSerde(Pair.SERDE).withCachingDisabled())
        .toStream()
        .map((all, pair) -> KeyValue.pair(all.key(), new Told(all.window().start(), pair)))
        .to("nexmark.q7", Produced.with(Serdes.String(), written("HighestBid", Told::write)));
  }

  /** Who has joined and who has opened an auction, in the same window. */
  private void newUsers() {
    builder.addStateStore(Stores.windowStoreBuilder(
        windows(OncePerWindow.STORE, SIZE), Serdes.Long(), Serdes.ByteArray()));
    KStream<Long, Long> sellers = builder
        .stream("nexmark.auction", Consumed.with(Serdes.String(), Auction.SERDE))
        .map((id, auction) ->
            KeyValue.pair(auction.seller(), Newcomer.windowOf(auction.dateTime())))
        .repartition(Repartitioned.with(Serdes.Long(), Serdes.Long()).withName("by-seller"))
        .processValues(OncePerWindow::new, OncePerWindow.STORE);
    StreamJoined<Long, Newcomer, Long> joined =
        StreamJoined.with(Serdes.Long(), Newcomer.SERDE, Serdes.Long());
    builder
        .stream("nexmark.person", Consumed.with(Serdes.String(), Person.SERDE))
        .map((key, person) -> KeyValue.pair(person.id(), Newcomer.of(person)))
        .repartition(Repartitioned.with(Serdes.Long(), Newcomer.SERDE).withName("by-person"))
        .join(sellers, (person, window) -> person.window() == window ? person : null,
            JoinWindows.ofTimeDifferenceAndGrace(SIZE, GRACE), joined)
        .filter((id, person) -> person != null)
        .selectKey((id, person) -> id.toString())
        .to("nexmark.q8", Produced.with(Serdes.String(), written("NewSeller", (out, person) -> out
            .writeLong(person.id()).writeString(person.name()).writeLong(person.window()))));
  }

  private void sessions() {
    record Session(long bidder, long count, long start, long end) {}
    Serde<Session> told = written("BidderSession", (out, session) -> out
        .writeLong(session.bidder).writeLong(session.count)
        .writeLong(session.start).writeLong(session.end));
    bids()
        .map((auction, bid) -> KeyValue.pair(bid.bidder(), NOTHING))
        .groupByKey(Grouped.with("by-bidder", Serdes.Long(), Serdes.ByteArray()))
        .windowedBy(SessionWindows.ofInactivityGapWithNoGrace(SIZE))
        .emitStrategy(EmitStrategy.onWindowClose())
        .count(Materialized.<Long, Long>as(onDisk
                ? Stores.persistentSessionStore("sessions", SIZE.multipliedBy(2))
                : Stores.inMemorySessionStore("sessions", SIZE.multipliedBy(2)))
            .withKeySerde(Serdes.Long()).withValueSerde(Serdes.Long()).withCachingDisabled())
        .toStream()
        .map((of, count) -> KeyValue.pair(of.key().toString(),
            new Session(of.key(), count, of.window().start(), of.window().end())))
        .to("nexmark.q11", Produced.with(Serdes.String(), told));
  }

  private void lastBids() {
    builder.addStateStore(Stores
        .keyValueStoreBuilder(
            onDisk
                ? Stores.persistentKeyValueStore(LastBid.STORE)
                : Stores.inMemoryKeyValueStore(LastBid.STORE),
            Serdes.Bytes(), Bid.SERDE)
        .withCachingDisabled());
    bids().processValues(LastBid::new, LastBid.STORE)
        .to("nexmark.q18", Produced.with(Serdes.String(), Bid.SERDE));
  }

  private static final byte[] NOTHING = {};

  /** What is told of a window. */
  private record Told(long window, Pair pair) {
    static void write(AvroWriter out, Told told) {
      out.writeLong(told.window).writeLong(told.pair.auction()).writeLong(told.pair.rank());
    }
  }

  private KStream<String, Bid> bids() {
    return builder.stream("nexmark.bid", Consumed.with(Serdes.String(), Bid.SERDE));
  }

  private WindowBytesStoreSupplier windows(String name, Duration size) {
    Duration kept = size.multipliedBy(2);
    return onDisk
        ? Stores.persistentWindowStore(name, kept, size, false)
        : Stores.inMemoryWindowStore(name, kept, size, false);
  }

  /** Only written; one writer a stream thread. */
  private <T> Serde<T> written(String schema, BiConsumer<AvroWriter, T> body) {
    int id = schemaIds.get(schema);
    ThreadLocal<AvroWriter> writers = ThreadLocal.withInitial(AvroWriter::new);
    return Serdes.serdeFrom((topic, value) -> {
      AvroWriter out = writers.get().reset().header(id);
      body.accept(out, value);
      return out.toBytes();
    }, (topic, bytes) -> {
      throw new UnsupportedOperationException(schema + " is only written");
    });
  }
}
