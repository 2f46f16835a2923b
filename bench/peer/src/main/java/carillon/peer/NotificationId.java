package carillon.peer;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** Rule D1: a UUID (version 8) of SHA-256 over use case, device and event. One for each thread. */
final class NotificationId {
  private static final byte[] HEX = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);
  private static final byte SEPARATOR = 0;
  private static final int UUID_CHARACTERS = 36;

  private final MessageDigest sha256;
  private final byte[] text = new byte[UUID_CHARACTERS];

  NotificationId() {
    try {
      sha256 = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException error) {
      throw new IllegalStateException(error);
    }
  }

  String of(String useCase, String deviceId, String eventId) {
    sha256.update(useCase.getBytes(StandardCharsets.UTF_8));
    sha256.update(SEPARATOR);
    sha256.update(deviceId.getBytes(StandardCharsets.UTF_8));
    sha256.update(SEPARATOR);
    byte[] hash = sha256.digest(eventId.getBytes(StandardCharsets.UTF_8));
    hash[6] = (byte) (hash[6] & 0x0f | 0x80);
    hash[8] = (byte) (hash[8] & 0x3f | 0x80);
    int at = 0;
    for (int i = 0; i < 16; i++) {
      if (i == 4 || i == 6 || i == 8 || i == 10) text[at++] = '-';
      text[at++] = HEX[hash[i] >> 4 & 0xf];
      text[at++] = HEX[hash[i] & 0xf];
    }
    return new String(text, StandardCharsets.ISO_8859_1);
  }
}
