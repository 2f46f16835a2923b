package carillon.peer;

/** In the order of the schema's symbols. */
enum Transport {
  WEBSOCKET,
  FCM,
  APNS,
  INBOX;

  static final Transport[] ALL = values();

  /** As topics spell it. */
  final String text = name().toLowerCase();
}
