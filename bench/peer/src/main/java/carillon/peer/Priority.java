package carillon.peer;

/** In the order of the schema's symbols. */
enum Priority {
  CRITICAL,
  HIGH,
  NORMAL,
  LOW;

  static final Priority[] ALL = values();

  /** As topics spell it. */
  final String text = name().toLowerCase();
}
