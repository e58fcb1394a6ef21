#include "io/stream.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "io/resolver.h"
#include "io/socket_address.h"
#include "io/tcp_stream.h"

namespace haumea::io {
namespace {

using Outcome = tl::expected<std::unique_ptr<Stream>, ConnectFailure>;

IoResult WriteText(Stream& stream, std::string_view text) {
    const iovec part{const_cast<char*>(text.data()), text.size()};
    return stream.Write({&part, 1});
}

// A listener, one connection to it and the loop of both.
class TcpTest : public testing::Test {
  protected:
    void Open() {
        auto opened = Listener::Open(loop_, "127.0.0.1", 0, {}, [this](std::unique_ptr<Stream> stream) {
            server_ = std::move(stream);
            StopWhenConnected();
        });
        ASSERT_TRUE(opened) << opened.error().message;
        listener_ = std::move(*opened);
    }
    void Connect() {
        ASSERT_NO_FATAL_FAILURE(Open());
        connector_ =
            Connector::Start(loop_, "127.0.0.1", listener_->port(), 5000, {}, [this](Outcome outcome) {
                ASSERT_TRUE(outcome) << outcome.error().message;
                client_ = std::move(*outcome);
                StopWhenConnected();
            });
        loop_.Run();
        ASSERT_TRUE(client_ && server_);
    }
    void StopWhenConnected() {
        if (client_ && server_) {
            loop_.Stop();
        }
    }
    ConnectFailure FailToConnect(const std::string& host, uint16_t port, int64_t timeout_ms = 5000,
                                 const SocketOptions& options = {}) {
        ConnectFailure failure;
        connector_ = Connector::Start(loop_, host, port, timeout_ms, options, [&](Outcome outcome) {
            EXPECT_FALSE(outcome);
            failure = outcome ? ConnectFailure{} : outcome.error();
            connector_.reset();  // from inside the callback
            loop_.Stop();
        });
        loop_.Run();
        return failure;
    }

    Loop loop_;
    std::unique_ptr<Listener> listener_;
    std::unique_ptr<Connector> connector_;
    std::unique_ptr<Stream> server_;
    std::unique_ptr<Stream> client_;
};

TEST_F(TcpTest, CarriesBytesAndSaysWhenThereAreSome) {
    Connect();
    std::array<char, 16> buffer{};
    EXPECT_EQ(server_->Read(buffer).status, IoResult::Status::kWouldBlock);
    std::string got;
    server_->WaitReadable([&] {
        got.assign(buffer.data(), server_->Read(buffer).bytes);
        loop_.Stop();
    });
    EXPECT_EQ(WriteText(*client_, "hello").bytes, 5U);
    loop_.Run();
    EXPECT_EQ(got, "hello");
    EXPECT_EQ(client_->remote_address(), server_->local_address());
    EXPECT_EQ(client_->local_address(), server_->remote_address());
    EXPECT_FALSE(client_->secure());
}

TEST_F(TcpTest, GathersSeveralPartsIntoOneWrite) {
    Connect();
    const std::array<iovec, 3> parts = {iovec{const_cast<char*>("ab"), 2}, iovec{const_cast<char*>(""), 0},
                                        iovec{const_cast<char*>("cde"), 3}};
    EXPECT_EQ(client_->Write(parts).bytes, 5U);
    std::array<char, 16> buffer{};
    server_->WaitReadable([&] { loop_.Stop(); });
    loop_.Run();
    EXPECT_EQ(std::string_view(buffer.data(), server_->Read(buffer).bytes), "abcde");
}

TEST_F(TcpTest, WaitsUntilAFullSocketTakesBytesAgain) {
    Connect();
    const std::string block(64 << 10, 'x');
    size_t sent = 0;
    for (IoResult result = WriteText(*client_, block); result.status == IoResult::Status::kOk;
         result = WriteText(*client_, block)) {
        sent += result.bytes;
    }
    EXPECT_LT(sent, size_t{16} << 20U);  // the send buffer is bounded
    bool writable = false;
    client_->WaitWritable([&] {
        writable = true;
        loop_.Stop();
    });
    std::vector<char> buffer(1 << 20);
    std::function<void()> drain = [&] {
        while (server_->Read(buffer).status == IoResult::Status::kOk) {
        }
        server_->WaitReadable(drain);
    };
    server_->WaitReadable(drain);
    loop_.Run();
    EXPECT_TRUE(writable);
}

TEST_F(TcpTest, TellsTheEndFromAFailure) {
    Connect();
    client_->ShutdownWrite();
    std::array<char, 16> buffer{};
    server_->WaitReadable([&] { loop_.Stop(); });
    loop_.Run();
    EXPECT_EQ(server_->Read(buffer).status, IoResult::Status::kEnd);
    // The other direction still works.
    EXPECT_EQ(WriteText(*server_, "late").status, IoResult::Status::kOk);
}

TEST_F(TcpTest, WritingToAClosedPeerFailsWithWordsAndNoSignal) {
    Connect();
    server_->Close();
    client_->WaitReadable([&] { loop_.Stop(); });
    loop_.Run();
    IoResult result = WriteText(*client_, "x");
    while (result.status == IoResult::Status::kOk) {
        result = WriteText(*client_, "x");
    }
    EXPECT_EQ(result.status, IoResult::Status::kFailed);
    EXPECT_NE(client_->last_error(), "");
}

TEST_F(TcpTest, NoCallbackAfterCancelCloseOrDestruction) {
    Connect();
    server_->WaitReadable([] { ADD_FAILURE() << "cancelled"; });
    server_->CancelWaits();
    client_->WaitReadable([] { ADD_FAILURE() << "closed"; });
    WriteText(*client_, "x");
    WriteText(*server_, "x");
    client_->Close();
    server_->WaitWritable([] { ADD_FAILURE() << "destroyed"; });
    server_.reset();
    loop_.RunAfter(5, [&] { loop_.Stop(); });
    loop_.Run();
}

TEST_F(TcpTest, ALaterWaitReplacesTheCallback) {
    Connect();
    server_->WaitReadable([] { ADD_FAILURE() << "replaced"; });
    server_->WaitReadable([&] { loop_.Stop(); });
    WriteText(*client_, "x");
    loop_.Run();
}

TEST_F(TcpTest, RefusedPortIsAFailureOfTcp) {
    Open();
    const uint16_t port = listener_->port();
    listener_.reset();
    const ConnectFailure failure = FailToConnect("127.0.0.1", port);
    EXPECT_EQ(failure.step, ConnectStep::kTcp);
    EXPECT_EQ(failure.message, fmt::format("connect to 127.0.0.1:{}: connection refused", port));
}

TEST(ConnectedToItself, IsToldFromATrueConnection) {
    const int self = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const SocketAddress any = *SocketAddress::Parse("127.0.0.1", 0);
    ASSERT_EQ(bind(self, any.get(), any.size()), 0);
    EXPECT_FALSE(ConnectedToItself(self));
    const SocketAddress own = SocketAddress::LocalOf(self);
    ASSERT_EQ(connect(self, own.get(), own.size()), 0);
    EXPECT_TRUE(ConnectedToItself(self));
    close(self);
}

TEST_F(TcpTest, UnknownHostIsAFailureOfDns) {
    const ConnectFailure failure = FailToConnect("no-such-host.invalid", 80);
    EXPECT_EQ(failure.step, ConnectStep::kDns);
    EXPECT_NE(failure.message.find("no-such-host.invalid"), std::string::npos) << failure.message;
    EXPECT_EQ(FailToConnect("", 80).step, ConnectStep::kDns);
}

TEST_F(TcpTest, SilenceEndsAtTheDeadline) {
    // A listening socket with a full queue answers no further handshake.
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const SocketAddress any = *SocketAddress::Parse("127.0.0.1", 0);
    ASSERT_EQ(bind(fd, any.get(), any.size()), 0);
    ASSERT_EQ(listen(fd, 0), 0);
    const uint16_t port = SocketAddress::LocalOf(fd).port();
    std::vector<std::unique_ptr<Connector>> fillers;
    for (int i = 0; i < 3; ++i) {
        fillers.push_back(Connector::Start(loop_, "127.0.0.1", port, 5000, {}, [](Outcome) {}));
    }
    const ConnectFailure failure = FailToConnect("127.0.0.1", port, 50);
    EXPECT_EQ(failure.step, ConnectStep::kTcp);
    EXPECT_NE(failure.message.find("no answer"), std::string::npos) << failure.message;
    fillers.clear();
    close(fd);
}

TEST_F(TcpTest, ADestroyedConnectorDoesNotCallBack) {
    Open();
    connector_ = Connector::Start(loop_, "localhost", listener_->port(), 5000, {},
                                  [](Outcome) { ADD_FAILURE() << "called"; });
    connector_.reset();
    loop_.RunAfter(20, [&] { loop_.Stop(); });
    loop_.Run();
}

TEST_F(TcpTest, NamesAreResolved) {
    Open();
    connector_ = Connector::Start(loop_, "localhost", listener_->port(), 5000, {}, [this](Outcome outcome) {
        ASSERT_TRUE(outcome) << outcome.error().message;
        client_ = std::move(*outcome);
        StopWhenConnected();
    });
    loop_.Run();
    EXPECT_EQ(client_->remote_address(), fmt::format("127.0.0.1:{}", listener_->port()));
}

TEST_F(TcpTest, PortInUseNamesAddressAndRemedy) {
    Open();
    const auto second = Listener::Open(loop_, "127.0.0.1", listener_->port(), {}, [](auto) {});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().message,
              fmt::format("cannot listen on 127.0.0.1:{}: address already in use; stop the "
                          "other program or choose another port",
                          listener_->port()));
}

TEST_F(TcpTest, AForeignAddressCannotBeListenedOn) {
    const auto opened = Listener::Open(loop_, "192.0.2.1", 0, {}, [](auto) {});
    ASSERT_FALSE(opened);
    EXPECT_NE(opened.error().message.find("give an address of this machine"), std::string::npos)
        << opened.error().message;
}

TEST_F(TcpTest, TheListenerMayGoInItsOwnCallback) {
    auto opened = Listener::Open(loop_, "127.0.0.1", 0, {}, [this](std::unique_ptr<Stream> stream) {
        server_ = std::move(stream);
        listener_.reset();
        loop_.Stop();
    });
    listener_ = std::move(*opened);
    connector_ = Connector::Start(loop_, "127.0.0.1", listener_->port(), 5000, {}, [](Outcome) {});
    loop_.Run();
    EXPECT_TRUE(server_);
}

TEST_F(TcpTest, AcceptingGoesOnWhenDescriptorsAreFreeAgain) {
    Open();
    const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const SocketAddress target = *SocketAddress::Parse("127.0.0.1", listener_->port());
    ASSERT_EQ(connect(client, target.get(), target.size()), 0);
    rlimit before{};
    getrlimit(RLIMIT_NOFILE, &before);
    const rlimit none{0, before.rlim_max};
    log::SetLevel(
        log::Level::kOff);  // sanitizers cannot check the logger's virtual calls without descriptors
    setrlimit(RLIMIT_NOFILE, &none);
    loop_.RunAfter(30, [&] { loop_.Stop(); });
    loop_.Run();
    EXPECT_FALSE(server_);
    setrlimit(RLIMIT_NOFILE, &before);
    log::SetLevel(log::Level::kInfo);
    const Scheduler::TimerId give_up = loop_.RunAfter(5000, [&] { loop_.Stop(); });
    client_ = nullptr;
    std::function<void()> look = [&] {
        if (server_) {
            loop_.Stop();
        } else {
            loop_.RunAfter(5, look);
        }
    };
    look();
    loop_.Run();
    loop_.Cancel(give_up);
    EXPECT_TRUE(server_);
    close(client);
}

TEST_F(TcpTest, PrivateNetworksAreRefusedWhereOnlyPublicOnesAreAllowedAlsoByName) {
    Open();
    for (const char* host : {"127.0.0.1", "localhost"}) {
        const ConnectFailure failure = FailToConnect(host, listener_->port(), 5000, {.public_only = true});
        EXPECT_EQ(failure.step, ConnectStep::kTcp);
        EXPECT_TRUE(failure.permanent);
        EXPECT_NE(failure.message.find("refused, it is of a private network (basic.dialPrivateNet is false)"),
                  std::string::npos)
            << failure.message;
    }
    EXPECT_FALSE(server_);
}

TEST(SocketAddress, TellsPrivateNetworksFromPublicOnes) {
    for (const char* host :
         {"127.0.0.1", "127.255.0.9", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.0.1",
          "169.254.169.254", "100.64.0.1", "100.127.255.255", "0.0.0.0", "::", "::1", "fe80::1", "fc00::1",
          "fdff::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::"}) {
        EXPECT_TRUE(SocketAddress::Parse(host, 80)->is_private()) << host;
    }
    for (const char* host :
         {"8.8.8.8", "11.0.0.1", "172.15.255.255", "172.32.0.1", "192.167.1.1", "192.169.0.1", "100.63.0.1",
          "100.128.0.1", "169.253.0.1", "128.0.0.1", "2001:4860:4860::8888", "::ffff:8.8.8.8",
          "64:ff9b::808:808", "2002:808:808::", "fe00::1"}) {
        EXPECT_FALSE(SocketAddress::Parse(host, 80)->is_private()) << host;
    }
}

TEST(SocketAddress, PrintsAndParsesBothFamilies) {
    EXPECT_EQ(SocketAddress::Parse("127.0.0.1", 80)->ToString(), "127.0.0.1:80");
    EXPECT_EQ(SocketAddress::Parse("::1", 80)->ToString(), "[::1]:80");
    EXPECT_EQ(SocketAddress::Parse("[::1]", 443)->ToString(), "[::1]:443");
    EXPECT_FALSE(SocketAddress::Parse("localhost", 80));
    EXPECT_FALSE(SocketAddress::Parse("", 80));
    EXPECT_FALSE(SocketAddress::Parse("1.2.3.4.5", 80));
}

}  // namespace
}  // namespace haumea::io
