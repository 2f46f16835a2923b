package carillon.peer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Writes Avro's binary form into an array that grows and is used again. */
final class AvroWriter {
  private byte[] bytes = new byte[1024];
  private int at;

  AvroWriter reset() {
    at = 0;
    return this;
  }

  byte[] toBytes() {
    return Arrays.copyOf(bytes, at);
  }

  AvroWriter header(int schemaId) {
    room(AvroReader.HEADER_BYTES);
    bytes[at] = 0;
    bytes[at + 1] = (byte) (schemaId >>> 24);
    bytes[at + 2] = (byte) (schemaId >>> 16);
    bytes[at + 3] = (byte) (schemaId >>> 8);
    bytes[at + 4] = (byte) schemaId;
    at += AvroReader.HEADER_BYTES;
    return this;
  }

  AvroWriter writeLong(long value) {
    room(10);
    long rest = value << 1 ^ value >> 63;
    while ((rest & ~0x7fL) != 0) {
      bytes[at++] = (byte) (rest | 0x80);
      rest >>>= 7;
    }
    bytes[at++] = (byte) rest;
    return this;
  }

  AvroWriter writeString(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    return writeBytes(utf8, 0, utf8.length);
  }

  /** Of a union of null and string. */
  AvroWriter writeOptionalString(String text) {
    return text == null ? writeLong(0) : writeLong(1).writeString(text);
  }

  AvroWriter writeBytes(byte[] from, int start, int end) {
    int size = end - start;
    writeLong(size);
    room(size);
    System.arraycopy(from, start, bytes, at, size);
    at += size;
    return this;
  }

  private void room(int size) {
    if (at + size > bytes.length) bytes = Arrays.copyOf(bytes, Math.max(2 * bytes.length, at + size));
  }
}
