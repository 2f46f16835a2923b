// Writes Kafka's protocol messages with Kafka's own classes: what our codecs are compared with.
// Input, a line each: <request|response> <name> <version> <message as JSON>; output: hexadecimal.
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;

public class Messages {
  public static void main(String[] args) throws Exception {
    var json = new ObjectMapper();
    var in = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] parts = line.split(" ", 4);
      short version = Short.parseShort(parts[2]);
      String kind = parts[0].equals("request") ? "RequestData" : "ResponseData";
      String converter = "org.apache.kafka.common.message." + parts[1] + kind + "JsonConverter";
      var read = Class.forName(converter).getMethod("read", JsonNode.class, short.class);
      Message message = (Message) read.invoke(null, json.readTree(parts[3]), version);
      var cache = new ObjectSerializationCache();
      ByteBuffer bytes = ByteBuffer.allocate(message.size(cache, version));
      message.write(new ByteBufferAccessor(bytes), cache, version);
      System.out.println(HexFormat.of().formatHex(bytes.array()));
    }
  }
}
