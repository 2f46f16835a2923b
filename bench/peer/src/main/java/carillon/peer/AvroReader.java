package carillon.peer;

import java.nio.charset.StandardCharsets;

/** Reads Avro's binary form from an array; it may end too early, which the array tells. */
public final class AvroReader {
  /** Confluent's wire format: magic byte 0 and the id of the writer's schema. */
  public static final int HEADER_BYTES = 5;

  private final byte[] bytes;
  private int at;

  public AvroReader(byte[] bytes, int at) {
    this.bytes = bytes;
    this.at = at;
  }

  static int schemaIdOf(byte[] bytes) {
    if (bytes.length < HEADER_BYTES || bytes[0] != 0) {
      throw new IllegalArgumentException("no magic byte 0 and schema id");
    }
    return (bytes[1] & 0xff) << 24 | (bytes[2] & 0xff) << 16 | (bytes[3] & 0xff) << 8
        | bytes[4] & 0xff;
  }

  public long readLong() {
    long value = 0;
    int shift = 0;
    byte next;
    do {
      next = bytes[at++];
      value |= (next & 0x7fL) << shift;
      shift += 7;
    } while (next < 0);
    return value >>> 1 ^ -(value & 1);
  }

  /** Where it reads next. */
  public int position() {
    return at;
  }

  public int readInt() {
    return (int) readLong();
  }

  boolean readBoolean() {
    return bytes[at++] != 0;
  }

  public String readString() {
    int size = readInt();
    String text = new String(bytes, at, size, StandardCharsets.UTF_8);
    at += size;
    return text;
  }

  /** Of a union of null and string. */
  String readOptionalString() {
    return readInt() == 0 ? null : readString();
  }

  public void skipString() {
    int size = readInt();
    at += size;
  }

  /** Of a union of null and string. */
  void skipOptionalString() {
    if (readInt() != 0) skipString();
  }
}
