package carillon.zuul;

import com.netflix.zuul.netty.server.push.PushAuthHandler;
import com.netflix.zuul.netty.server.push.PushConnection;
import com.netflix.zuul.netty.server.push.PushConnectionRegistry;
import com.netflix.zuul.netty.server.push.PushMessageSender;
import com.netflix.zuul.netty.server.push.PushProtocol;
import com.netflix.zuul.netty.server.push.PushRegistrationHandler;
import com.netflix.zuul.netty.server.push.PushUserAuth;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.epoll.EpollEventLoopGroup;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.websocketx.WebSocketServerProtocolHandler;
import java.net.InetSocketAddress;

/**
 * Zuul Push on two ports of its own, one for devices and one for who pushes, with one event loop, as it
 * has one core. A device says who it is in a header, and is believed; its first message says that it is
 * registered. Prints both ports, and ends with its input.
 */
public final class PushServer {
    /** As the gateway's: a storm must not wait for retransmissions. */
    private static final int BACKLOG = 4_096;
    private static final int BODY_BYTES_MAX = 65_536;
    private static final String DEVICE = "x-device";

    private record Device(String id) implements PushUserAuth {
        static Device of(FullHttpRequest request) {
            return new Device(request.headers().get(DEVICE));
        }

        @Override
        public boolean isSuccess() {
            return id != null;
        }

        @Override
        public int statusCode() {
            return id == null ? 401 : 200;
        }

        @Override
        public String getClientIdentity() {
            return id;
        }
    }

    @ChannelHandler.Sharable
    private static final class Auth extends PushAuthHandler {
        Auth() {
            super(PushProtocol.WEBSOCKET.getPath(), "");
        }

        @Override
        protected boolean isInvalidOrigin(FullHttpRequest request) {
            return false;
        }

        @Override
        protected boolean isDelayedAuth(FullHttpRequest request, ChannelHandlerContext context) {
            return false;
        }

        @Override
        protected PushUserAuth doAuth(FullHttpRequest request, ChannelHandlerContext context) {
            return Device.of(request);
        }
    }

    private static final class Registration extends PushRegistrationHandler {
        Registration(PushConnectionRegistry registry) {
            super(registry, PushProtocol.WEBSOCKET);
        }

        @Override
        protected void registerClient(
                ChannelHandlerContext context,
                PushUserAuth auth,
                PushConnection connection,
                PushConnectionRegistry registry) {
            super.registerClient(context, auth, connection, registry);
            connection.sendPushMessage("{\"type\":\"welcome\"}");
        }
    }

    @ChannelHandler.Sharable
    private static final class Sender extends PushMessageSender {
        Sender(PushConnectionRegistry registry) {
            super(registry);
        }

        @Override
        protected PushUserAuth getPushUserAuth(FullHttpRequest request) {
            return Device.of(request);
        }
    }

    private static int listen(EventLoopGroup loop, Handlers handlers) throws InterruptedException {
        Channel channel = new ServerBootstrap()
                .group(loop)
                .channel(EpollServerSocketChannel.class)
                .option(ChannelOption.SO_BACKLOG, BACKLOG)
                .childHandler(new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel of) {
                        of.pipeline().addLast(new HttpServerCodec(), new HttpObjectAggregator(BODY_BYTES_MAX));
                        handlers.add(of);
                    }
                })
                .bind("127.0.0.1", 0)
                .sync()
                .channel();
        return ((InetSocketAddress) channel.localAddress()).getPort();
    }

    private interface Handlers {
        void add(Channel channel);
    }

    public static void main(String[] arguments) throws Exception {
        EventLoopGroup loop = new EpollEventLoopGroup(1);
        PushConnectionRegistry registry = new PushConnectionRegistry();
        Auth auth = new Auth();
        Sender sender = new Sender(registry);
        String path = PushProtocol.WEBSOCKET.getPath();
        int devices = listen(loop, channel -> channel.pipeline()
                .addLast(PushAuthHandler.NAME, auth)
                .addLast(new WebSocketServerProtocolHandler(path, null, true))
                .addLast(new Registration(registry)));
        int pushes = listen(loop, channel -> channel.pipeline().addLast(sender));
        System.out.println(devices + " " + pushes + " " + path);
        while (System.in.read() >= 0) {
            // Its parent still has the other end.
        }
        System.exit(0);
    }
}
