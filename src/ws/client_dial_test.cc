#include "ws/client_dial.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "io/socket_address.h"

namespace haumea::ws::testing {
namespace {

// Less than the sender's buffer holds, so that it never blocks, and far more than the receiver's takes.
TEST(ClientDial, ARemoteThatAcknowledgesNothingIsGivenUpAfterTheWriteTimeout) {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int receive_buffer = 4096;
    setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    const io::SocketAddress any = *io::SocketAddress::Parse("127.0.0.1", 0);
    ASSERT_EQ(bind(listener, any.get(), any.size()), 0);
    ASSERT_EQ(listen(listener, 1), 0);

    io::Loop loop;
    const ClientTarget target{.host = "127.0.0.1", .port = io::SocketAddress::LocalOf(listener).port()};
    constexpr int64_t kWriteTimeoutMs = 300;
    const auto dial = MakeDialer(loop, target, kWriteTimeoutMs);
    ASSERT_TRUE(dial);
    std::unique_ptr<io::Stream> stream;
    const auto connector = (*dial)(5000, [&](auto outcome) {
        ASSERT_TRUE(outcome) << outcome.error().message;
        stream = std::move(*outcome);
        loop.Stop();
    });
    loop.Run();
    ASSERT_TRUE(stream);
    std::string bytes(60'000, 'x');
    const iovec part{bytes.data(), bytes.size()};
    ASSERT_EQ(stream->Write({&part, 1}).bytes, bytes.size());
    io::IoResult result;
    stream->WaitReadable([&] {
        char byte = 0;
        result = stream->Read({&byte, 1});
        loop.Stop();
    });
    const io::Scheduler::TimerId give_up = loop.RunAfter(20'000, [&] { loop.Stop(); });
    loop.Run();
    loop.Cancel(give_up);
    EXPECT_EQ(result.status, io::IoResult::Status::kFailed);
    EXPECT_EQ(result.error, ETIMEDOUT);
    close(listener);
}

}  // namespace
}  // namespace haumea::ws::testing
