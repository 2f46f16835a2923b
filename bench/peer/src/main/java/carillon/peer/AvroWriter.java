package carillon.peer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Writes Avro's binary form into an array that grows and is used again. */
public final class AvroWriter {
  private byte[] bytes = new byte[1024];
  private int at;

  public AvroWriter reset() {
    at = 0;
    return this;
  }

  public byte[] toBytes() {
    return Arrays.copyOf(bytes, at);
  }

  public AvroWriter header(int schemaId) {
    room(AvroReader.HEADER_BYTES);
    bytes[at] = 0;
    bytes[at + 1] = (byte) (schemaId >>> 24);
    bytes[at + 2] = (byte) (schemaId >>> 16);
    bytes[at + 3] = (byte) (schemaId >>> 8);
    bytes[at + 4] = (byte) schemaId;
    at += AvroReader.HEADER_BYTES;
    return this;
  }

  public AvroWriter writeLong(long value) {
    room(10);
    long rest = value << 1 ^ value >> 63;
    while ((rest & ~0x7fL) != 0) {
      bytes[at++] = (byte) (rest | 0x80);
      rest >>>= 7;
    }
    bytes[at++] = (byte) rest;
    return this;
  }

  public AvroWriter writeDouble(double value) {
    room(Double.BYTES);
    long bits = Double.doubleToRawLongBits(value);
    for (int shift = 0; shift < Long.SIZE; shift += Byte.SIZE) bytes[at++] = (byte) (bits >> shift);
    return this;
  }

  /** As it lies in what was read: its size is among the bytes. */
  public AvroWriter copy(byte[] from, int start, int end) {
    room(end - start);
    System.arraycopy(from, start, bytes, at, end - start);
    at += end - start;
    return this;
  }

  public AvroWriter writeString(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    return writeBytes(utf8, 0, utf8.length);
  }

  /** Of a union of null and string. */
  AvroWriter writeOptionalString(String text) {
    return text == null ? writeLong(0) : writeLong(1).writeString(text);
  }

  public AvroWriter writeBytes(byte[] from, int start, int end) {
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
