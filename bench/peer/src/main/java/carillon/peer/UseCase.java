package carillon.peer;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The streams of topology/reno.yaml: one constant a stream, with all that its steps are told. */
enum UseCase {
  VIEWING_ACTIVITY("va", "events.viewing-activity", "ViewingActivity", Priority.NORMAL,
      minutes(2), minutes(10), new Burst(seconds(2), seconds(10), 200_000),
      Set.of("tv", "mobile", "tablet", "web", "stick"), true),
  RECOMMENDATION_REFRESH("rr", "events.recommendation-refresh", "RecommendationRefresh",
      Priority.LOW, minutes(60), minutes(60), new Burst(seconds(30), minutes(2), 200_000),
      Classes.ALL, false),
  PLAN_CHANGE("pl", "events.plan-change", "PlanChange", Priority.CRITICAL,
      minutes(24 * 60), minutes(24 * 60), null, Classes.ALL, false),
  MY_LIST_UPDATE("ml", "events.my-list-update", "MyListUpdate", Priority.NORMAL,
      minutes(10), minutes(10), new Burst(seconds(1), seconds(5), 200_000), Classes.ALL, true),
  PROFILE_CHANGE("pf", "events.profile-change", "ProfileChange", Priority.HIGH,
      UseCase.NO_AGE, minutes(24 * 60), null, Classes.ALL, false),
  DIAGNOSTIC_SIGNAL("ds", "events.diagnostic-signal", "DiagnosticSignal", Priority.LOW,
      minutes(15), minutes(60), null, Classes.ALL, false);

  /** The stream has no gate: nothing is too old, and notifications have no deadline. */
  static final long NO_AGE = Long.MAX_VALUE;

  static final UseCase[] ALL = values();
  private static final Map<String, UseCase> BY_TOPIC = new HashMap<>();

  static {
    for (UseCase one : ALL) BY_TOPIC.put(one.topic, one);
  }

  final String id;
  final String topic;
  final String schema;
  /** What the rule gives unless its exception holds (EventDeserializer). */
  final Priority priority;
  final long maxAgeMs;
  final long dedupWithinMs;
  /** Null: every event is told. */
  final Burst burst;
  final Set<String> classes;
  /** The device that caused the event is not told. */
  final boolean sparesCause;

  UseCase(String id, String topic, String schema, Priority priority, long maxAgeMs,
      long dedupWithinMs, Burst burst, Set<String> classes, boolean sparesCause) {
    this.id = id;
    this.topic = topic;
    this.schema = schema;
    this.priority = priority;
    this.maxAgeMs = maxAgeMs;
    this.dedupWithinMs = dedupWithinMs;
    this.burst = burst;
    this.classes = classes;
    this.sparesCause = sparesCause;
  }

  static UseCase ofTopic(String topic) {
    return BY_TOPIC.get(topic);
  }

  static List<String> topics() {
    return Arrays.stream(ALL).map(one -> one.topic).toList();
  }

  /** How a burst of events becomes one; {@code keysMax} bursts are held in a partition. */
  record Burst(long quietMs, long atMostMs, int keysMax) {}

  /** In a class of its own: constants of an enum cannot read its own static fields. */
  private static final class Classes {
    static final Set<String> ALL = Set.of("mobile", "tablet", "tv", "stick", "set-top", "web");
  }

  private static long seconds(long n) {
    return n * 1_000;
  }

  private static long minutes(long n) {
    return n * 60_000;
  }
}
