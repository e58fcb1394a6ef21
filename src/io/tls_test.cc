#include "io/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "io/testing/memory_stream.h"
#include "io/testing/test_certificates.h"
#include "io/tls_context.h"
#include "io/virtual_scheduler.h"

namespace haumea::io {
namespace {

using ::testing::HasSubstr;
using testing::MakeMemoryPair;
using testing::MakeTestIdentity;
using testing::MemoryStream;
using testing::TestIdentity;

// A secured pair in memory. The server's certificate is signed by ca_.
class TlsTest : public ::testing::Test {
  protected:
    TestIdentity ca_ = MakeTestIdentity({.name = "test CA", .alternative_names = "", .is_ca = true});
    TestIdentity server_identity_ = MakeTestIdentity({.issuer = &ca_});

    TlsServerOptions ServerOptions() const {
        TlsServerOptions options;
        options.certificate.text = server_identity_.certificate;
        options.key.text = server_identity_.key;
        return options;
    }
    TlsClientOptions ClientOptions() const {
        TlsClientOptions options;
        options.root_ca.text = ca_.certificate;
        return options;
    }
    void Make(const TlsClientOptions& client, const TlsServerOptions& server,
              const std::string& host = "localhost") {
        auto client_context = TlsContext::ForClient(client);
        ASSERT_TRUE(client_context) << client_context.error().message;
        auto server_context = TlsContext::ForServer(server);
        ASSERT_TRUE(server_context) << server_context.error().message;
        auto [a, b] = MakeMemoryPair(scheduler_);
        wire_ = &a->wire();
        client_ = TlsStream::Client(std::move(a), **client_context, host);
        server_ = TlsStream::Server(std::move(b), **server_context);
    }
    // Both sides in turn; returns what the client's side came to.
    IoResult::Status Shake() {
        IoResult::Status status = IoResult::Status::kWouldBlock;
        for (int i = 0; i < 10 && status != IoResult::Status::kFailed; ++i) {
            status = client_->Handshake().status;
            server_->Handshake();
        }
        return status;
    }
    void Open() {
        Make(ClientOptions(), ServerOptions());
        ASSERT_EQ(Shake(), IoResult::Status::kOk) << client_->last_error();
        ASSERT_TRUE(server_->handshake_done()) << server_->last_error();
    }
    static IoResult Write(Stream& stream, std::string_view text) {
        const iovec part{const_cast<char*>(text.data()), text.size()};
        return stream.Write({&part, 1});
    }
    static std::string ReadAll(Stream& stream) {
        std::string out;
        std::array<char, 5000> chunk{};
        for (IoResult result = stream.Read(chunk); result.status == IoResult::Status::kOk;
             result = stream.Read(chunk)) {
            out.append(chunk.data(), result.bytes);
        }
        return out;
    }

    VirtualScheduler scheduler_;
    MemoryStream::Wire* wire_ = nullptr;
    std::unique_ptr<TlsStream> client_;
    std::unique_ptr<TlsStream> server_;
};

TEST_F(TlsTest, CarriesBytesBothWays) {
    Open();
    EXPECT_TRUE(client_->secure());
    EXPECT_EQ(Write(*client_, "hello").bytes, 5U);
    EXPECT_EQ(ReadAll(*server_), "hello");
    EXPECT_EQ(Write(*server_, "back").bytes, 4U);
    EXPECT_EQ(ReadAll(*client_), "back");
}

TEST_F(TlsTest, TheHandshakeHappensWithinReadsAndWrites) {
    Make(ClientOptions(), ServerOptions());
    bool got = false;
    std::function<void()> serve = [&] {
        got = ReadAll(*server_) == "hello" || got;
        server_->WaitReadable(serve);
    };
    std::function<void()> send = [&] {
        if (Write(*client_, "hello").status == IoResult::Status::kWouldBlock) {
            client_->WaitWritable(send);
        }
    };
    server_->WaitReadable(serve);
    send();
    scheduler_.RunPosted();
    EXPECT_TRUE(got);
}

TEST_F(TlsTest, GathersPartsIntoOneRecord) {
    Open();
    const size_t before = wire_->pipes[0].writes;
    const std::array<iovec, 3> parts = {iovec{const_cast<char*>("ab"), 2}, iovec{const_cast<char*>(""), 0},
                                        iovec{const_cast<char*>("cde"), 3}};
    EXPECT_EQ(client_->Write(parts).bytes, 5U);
    EXPECT_EQ(wire_->pipes[0].writes, before + 1);
    EXPECT_EQ(ReadAll(*server_), "abcde");
}

TEST_F(TlsTest, ARecordThatDoesNotFitIsKeptAndSentByItself) {
    Open();
    ReadAll(*client_);
    wire_->SetCapacity(0, 1000);
    std::string text(40'000, 'x');
    size_t taken = 0;
    IoResult result = Write(*client_, text);
    while (result.status == IoResult::Status::kOk) {
        taken += result.bytes;
        result = Write(*client_, std::string_view(text).substr(taken));
    }
    EXPECT_EQ(result.status, IoResult::Status::kWouldBlock);
    EXPECT_EQ(taken, 16'384U);
    // The caller changes its mind about the rest: other bytes follow, and nothing is garbled.
    bool writable = false;
    client_->WaitWritable([&] { writable = true; });
    std::string got;
    for (int i = 0; i < 100; ++i) {
        got += ReadAll(*server_);
        scheduler_.RunPosted();
    }
    EXPECT_TRUE(writable);
    EXPECT_EQ(got, text.substr(0, taken));
    Write(*client_, "other");
    EXPECT_EQ(ReadAll(*server_), "other");
}

TEST_F(TlsTest, SmallReadsOfALargeRecordNeedNoNewBytes) {
    Open();
    Write(*client_, std::string(10'000, 'y'));
    std::string got;
    std::function<void()> read = [&] {
        std::array<char, 100> chunk{};
        const IoResult result = server_->Read(chunk);
        got.append(chunk.data(), result.bytes);
        server_->WaitReadable(read);
    };
    server_->WaitReadable(read);
    scheduler_.RunPosted();
    EXPECT_EQ(got.size(), 10'000U);
}

TEST_F(TlsTest, GoodbyeIsAnEnd) {
    Open();
    ReadAll(*client_);
    client_->ShutdownWrite();
    std::array<char, 10> chunk{};
    EXPECT_EQ(server_->Read(chunk).status, IoResult::Status::kEnd);
}

TEST_F(TlsTest, NoCallbackAfterDestruction) {
    Open();
    server_->WaitReadable([] { ADD_FAILURE(); });
    Write(*client_, "x");
    server_.reset();
    scheduler_.RunPosted();
}

// ---- verification ----

TEST_F(TlsTest, AnUnknownIssuerIsRefused) {
    TlsClientOptions options;
    options.root_ca.text = MakeTestIdentity({.name = "other CA", .is_ca = true}).certificate;
    Make(options, ServerOptions());
    EXPECT_EQ(Shake(), IoResult::Status::kFailed);
    EXPECT_EQ(
        client_->last_error(),
        "the server's certificate is refused: it is from a CA that is not known here; set rootCaPath to "
        "the CA that has signed it");
}

TEST_F(TlsTest, ASelfSignedCertificateIsRefusedByName) {
    server_identity_ = MakeTestIdentity({});
    Make(ClientOptions(), ServerOptions());
    EXPECT_EQ(Shake(), IoResult::Status::kFailed);
    EXPECT_EQ(
        client_->last_error(),
        "the server's certificate is refused: self-signed certificate; set rootCaPath to the CA that has "
        "signed it");
}

TEST_F(TlsTest, AnExpiredCertificateIsRefused) {
    server_identity_ = MakeTestIdentity({.valid_from_s = -7200, .valid_until_s = -3600, .issuer = &ca_});
    Make(ClientOptions(), ServerOptions());
    EXPECT_EQ(Shake(), IoResult::Status::kFailed);
    EXPECT_EQ(client_->last_error(),
              "the server's certificate is refused: certificate has expired; it has to be renewed there");
}

TEST_F(TlsTest, ACertificateForAnotherHostIsRefused) {
    Make(ClientOptions(), ServerOptions(), "example.test");
    EXPECT_EQ(Shake(), IoResult::Status::kFailed);
    EXPECT_EQ(client_->last_error(), "the server's certificate is not for \"example.test\"");
    Make(ClientOptions(), ServerOptions(), "127.0.0.2");
    EXPECT_EQ(Shake(), IoResult::Status::kFailed);
    EXPECT_EQ(client_->last_error(), "the server's certificate is not for \"127.0.0.2\"");
}

TEST_F(TlsTest, AnAddressIsVerifiedAsWell) {
    Make(ClientOptions(), ServerOptions(), "127.0.0.1");
    EXPECT_EQ(Shake(), IoResult::Status::kOk) << client_->last_error();
}

TEST_F(TlsTest, InsecureSkipVerifyTakesAnything) {
    server_identity_ = MakeTestIdentity({.valid_from_s = -7200, .valid_until_s = -3600});
    TlsClientOptions options;
    options.insecure_skip_verify = true;
    Make(options, ServerOptions(), "example.test");
    EXPECT_EQ(Shake(), IoResult::Status::kOk) << client_->last_error();
}

TEST_F(TlsTest, ARequiredClientCertificateIsAskedForAndVerified) {
    TlsServerOptions server = ServerOptions();
    server.client_certificate = ClientCertificate::kRequire;
    server.client_ca.text = ca_.certificate;
    Make(ClientOptions(), server);
    Shake();
    EXPECT_FALSE(server_->handshake_done());
    EXPECT_THAT(server_->last_error(), HasSubstr("peer did not return a certificate"));

    const TestIdentity mine = MakeTestIdentity({.name = "device", .issuer = &ca_});
    TlsClientOptions client = ClientOptions();
    client.certificate.text = mine.certificate;
    client.key.text = mine.key;
    Make(client, server);
    EXPECT_EQ(Shake(), IoResult::Status::kOk) << client_->last_error();
    EXPECT_TRUE(server_->handshake_done()) << server_->last_error();

    const TestIdentity foreign = MakeTestIdentity({.name = "stranger"});
    client.certificate.text = foreign.certificate;
    client.key.text = foreign.key;
    Make(client, server);
    Shake();
    EXPECT_THAT(server_->last_error(), HasSubstr("the client's certificate is refused"));
}

TEST_F(TlsTest, APlainTextServerIsRecognised) {
    auto context = TlsContext::ForClient(ClientOptions());
    auto [a, b] = MakeMemoryPair(scheduler_);
    client_ = TlsStream::Client(std::move(a), **context, "localhost");
    client_->Handshake();
    b->WriteAll("HTTP/1.1 400 Bad Request\r\n\r\n");
    EXPECT_EQ(client_->Handshake().status, IoResult::Status::kFailed);
    EXPECT_EQ(client_->last_error(), "the server answered in plain text: set scheme: ws");
}

TEST_F(TlsTest, AServerThatHangsUpIsNamed) {
    auto context = TlsContext::ForClient(ClientOptions());
    auto [a, b] = MakeMemoryPair(scheduler_);
    client_ = TlsStream::Client(std::move(a), **context, "localhost");
    client_->Handshake();
    b.reset();
    EXPECT_EQ(client_->Handshake().status, IoResult::Status::kFailed);
    EXPECT_EQ(
        client_->last_error(),
        "the server ended the connection without answering the TLS handshake; if it does not speak TLS, "
        "set scheme: ws");
}

// Who dials again has to know which it was (contract §2): an errno for a connection that broke, none for no.
TEST_F(TlsTest, ABrokenConnectionIsToldFromARefusal) {
    TlsClientOptions trusting;
    trusting.insecure_skip_verify = true;  // OpenSSL remembers what it would have refused
    const auto error = [&](const TlsClientOptions& options, auto&& meanwhile) {
        Make(options, ServerOptions());
        client_->Handshake();
        server_->Handshake();
        meanwhile();
        const IoResult result = client_->Handshake();
        EXPECT_EQ(result.status, IoResult::Status::kFailed);
        EXPECT_EQ(client_->Handshake().error, result.error) << "asked again";
        return result.error;
    };
    EXPECT_EQ(error(ClientOptions(), [&] { wire_->Reset(); }), ECONNRESET);
    EXPECT_EQ(error(ClientOptions(),
                    [&] {
                        wire_->pipes[1].bytes.resize(20);
                        server_.reset();
                    }),
              ECONNRESET);
    server_identity_ = MakeTestIdentity({});
    EXPECT_EQ(error(ClientOptions(), [] {}), 0);
    EXPECT_EQ(error(trusting,
                    [&] {
                        wire_->pipes[1].bytes.resize(wire_->pipes[1].bytes.size() - 10);
                        server_.reset();
                    }),
              ECONNRESET);
    EXPECT_EQ(client_->last_error(), "the peer ended the connection within the TLS handshake");
}

TEST_F(TlsTest, AServerThatWantsACertificateIsQuotedWithTheRemedy) {
    TlsServerOptions server = ServerOptions();
    server.client_certificate = ClientCertificate::kRequire;
    server.client_ca.text = ca_.certificate;
    Make(ClientOptions(), server);
    Shake();
    server_.reset();  // its alert is there, and our writing fails
    IoResult result = Write(*client_, "GET / HTTP/1.1");
    EXPECT_EQ(result.status, IoResult::Status::kFailed);
    std::array<char, 100> chunk{};
    result = client_->Read(chunk);
    EXPECT_EQ(result.status, IoResult::Status::kFailed);
    EXPECT_EQ(result.error, 0);
    EXPECT_EQ(client_->last_error(),
              "the server refuses: it requires a client certificate; set certificationPath and "
              "privateKeyPath");
}

// A pair of which one side, an outsider to our settings, speaks `version` at most and takes anything older.
class TlsVersions : public TlsTest {
  protected:
    static void Limit(TlsContext& context, int version) {
        SSL_CTX* ssl = context.impl().ssl.get();
        SSL_CTX_set_security_level(ssl, 0);  // or OpenSSL itself would refuse what is older than TLS 1.2
        SSL_CTX_set_min_proto_version(ssl, TLS1_VERSION);
        SSL_CTX_set_max_proto_version(ssl, version);
    }
    // What the client's side comes to; empty: the handshake succeeds.
    std::string Shake(TlsContext& client, TlsContext& server) {
        auto [a, b] = MakeMemoryPair(scheduler_);
        client_ = TlsStream::Client(std::move(a), client, "localhost");
        server_ = TlsStream::Server(std::move(b), server);
        if (TlsTest::Shake() == IoResult::Status::kOk) {
            return "";
        }
        EXPECT_FALSE(server_->handshake_done());
        return client_->last_error();
    }
    std::string ClientOfVersion(int version, TlsVersion server_minimum) {
        TlsServerOptions options = ServerOptions();
        options.min_version = server_minimum;
        const auto server = *TlsContext::ForServer(options);
        SSL_CTX_set_security_level(server->impl().ssl.get(), 0);
        const auto client = *TlsContext::ForClient(ClientOptions());
        Limit(*client, version);
        return Shake(*client, *server);
    }
    std::string ServerOfVersion(int version, TlsVersion client_minimum) {
        TlsClientOptions options = ClientOptions();
        options.min_version = client_minimum;
        const auto client = *TlsContext::ForClient(options);
        SSL_CTX_set_security_level(client->impl().ssl.get(), 0);
        const auto server = *TlsContext::ForServer(ServerOptions());
        Limit(*server, version);
        return Shake(*client, *server);
    }
};

TEST_F(TlsVersions, OldOnesAreRefused) {
    EXPECT_EQ(ClientOfVersion(TLS1_2_VERSION, TlsVersion::kTls12), "");
    EXPECT_EQ(ClientOfVersion(TLS1_3_VERSION, TlsVersion::kTls13), "");
    EXPECT_THAT(ClientOfVersion(TLS1_1_VERSION, TlsVersion::kTls12), HasSubstr("version"));
    EXPECT_THAT(ClientOfVersion(TLS1_2_VERSION, TlsVersion::kTls13), HasSubstr("version"));
    EXPECT_EQ(ServerOfVersion(TLS1_2_VERSION, TlsVersion::kTls12), "");
    EXPECT_EQ(ServerOfVersion(TLS1_3_VERSION, TlsVersion::kTls13), "");
    EXPECT_THAT(ServerOfVersion(TLS1_1_VERSION, TlsVersion::kTls12), HasSubstr("version"));
    EXPECT_THAT(ServerOfVersion(TLS1_2_VERSION, TlsVersion::kTls13), HasSubstr("version"));
}

// ---- certificates and keys ----

TEST_F(TlsTest, MistakesInCertificatesAndKeysAreNamed) {
    TlsClientOptions options;
    options.certificate.file = "/nonexistent/cert.pem";
    options.key.text = server_identity_.key;
    EXPECT_EQ(TlsContext::ForClient(options).error().message,
              "certificate \"/nonexistent/cert.pem\" cannot be read: no such file or directory");
    options.certificate = {.file = "", .text = "no PEM"};
    EXPECT_EQ(TlsContext::ForClient(options).error().message,
              "the certificate text is not a usable PEM certificate: no \"-----BEGIN\" line of that kind");
    options.certificate.text = ca_.certificate;
    EXPECT_EQ(
        TlsContext::ForClient(options).error().message,
        "the private key text does not belong to the certificate text; give the two that were made for each "
        "other");
    options.key = {};
    EXPECT_EQ(TlsContext::ForClient(options).error().message,
              "a certificate is given without its private key; give both or none");
    options = {};
    options.root_ca.text = server_identity_.key;
    EXPECT_THAT(TlsContext::ForClient(options).error().message, HasSubstr("holds no PEM certificate"));
    EXPECT_THAT(TlsContext::ForServer({}).error().message, HasSubstr("needs a certificate"));
}

TEST_F(TlsTest, ServerFilesThatChangeAreLoadedAgain) {
    const std::filesystem::path folder =
        std::filesystem::temp_directory_path() / ("haumea_tls_test_" + std::to_string(getpid()));
    std::filesystem::create_directories(folder);
    const auto write = [&](const TestIdentity& identity) {
        std::ofstream(folder / "cert.pem") << identity.certificate;
        std::ofstream(folder / "key.pem") << identity.key;
    };
    write(server_identity_);
    TlsServerOptions options;
    options.certificate.file = folder / "cert.pem";
    options.key.file = folder / "key.pem";
    const auto server_context = TlsContext::ForServer(options);
    ASSERT_TRUE(server_context) << server_context.error().message;
    const auto client_context = TlsContext::ForClient(ClientOptions());
    const auto connect = [&](const std::string& host) {
        auto [a, b] = MakeMemoryPair(scheduler_);
        client_ = TlsStream::Client(std::move(a), **client_context, host);
        server_ = TlsStream::Server(std::move(b), **server_context);
        return Shake();
    };
    EXPECT_EQ(connect("localhost"), IoResult::Status::kOk);
    write(MakeTestIdentity(
        {.name = "new", .alternative_names = "DNS:a-much-longer-name.example", .issuer = &ca_}));
    EXPECT_EQ(connect("a-much-longer-name.example"), IoResult::Status::kOk) << client_->last_error();
    // Broken files change nothing.
    std::ofstream(folder / "cert.pem") << "garbage";
    EXPECT_EQ(connect("a-much-longer-name.example"), IoResult::Status::kOk) << client_->last_error();
    std::filesystem::remove_all(folder);
}

// Handshake, data both ways and goodbye, broken at every call of the transport: the stream says so, with a
// text, and stays quiet afterwards.
TEST_F(TlsTest, ATransportThatBreaksAnywhereIsAFailureOrAnEndWithAText) {
    using testing::FailingStream;
    using testing::Fault;
    const auto client_context = *TlsContext::ForClient(ClientOptions());
    const auto server_context = *TlsContext::ForServer(ServerOptions());
    for (const Fault::Kind kind : {Fault::Kind::kReset, Fault::Kind::kEnd, Fault::Kind::kStall}) {
        for (const bool at_client : {false, true}) {
            Fault fault;
            size_t at = 0;
            do {
                SCOPED_TRACE(fmt::format("{} at {}, kind {}", at_client ? "client" : "server", ++at,
                                         static_cast<int>(kind)));
                fault = {.kind = kind, .at = at};
                auto [a, b] = MakeMemoryPair(scheduler_);
                std::unique_ptr<Stream> client_end = std::move(a);
                std::unique_ptr<Stream> server_end = std::move(b);
                auto& broken = at_client ? client_end : server_end;
                broken = std::make_unique<FailingStream>(std::move(broken), fault);
                client_ = TlsStream::Client(std::move(client_end), *client_context, "localhost");
                server_ = TlsStream::Server(std::move(server_end), *server_context);
                size_t received[2] = {0, 0};
                bool ended[2] = {false, false};
                const std::string data(40'000, 'x');
                size_t sent[2] = {0, 0};
                for (int round = 0; round < 60; ++round) {
                    for (const int side : {0, 1}) {
                        TlsStream& stream = side == 0 ? *client_ : *server_;
                        if (sent[side] < data.size()) {
                            const iovec part{const_cast<char*>(data.data()) + sent[side],
                                             data.size() - sent[side]};
                            const IoResult result = stream.Write({&part, 1});
                            sent[side] += result.status == IoResult::Status::kOk ? result.bytes : 0;
                        } else if (received[side] == data.size()) {
                            stream.ShutdownWrite();
                        }
                        char chunk[8192];
                        const IoResult result = stream.Read(chunk);
                        received[side] += result.status == IoResult::Status::kOk ? result.bytes : 0;
                        ended[side] |= result.status == IoResult::Status::kEnd ||
                                       result.status == IoResult::Status::kFailed;
                        if (result.status == IoResult::Status::kFailed) {
                            EXPECT_NE(stream.last_error(), "");
                        }
                        scheduler_.RunPosted();
                    }
                }
                EXPECT_TRUE(ended[0] || !at_client);
                EXPECT_TRUE(ended[1] || at_client);
                EXPECT_LE(received[0], data.size());
                if (kind == Fault::Kind::kStall) {
                    EXPECT_EQ(received[0], data.size());
                    EXPECT_EQ(received[1], data.size());
                }
                client_->Close();
                server_->Close();
            } while (fault.reached() && !HasFailure());
            EXPECT_GT(at, 10U);
        }
    }
}

}  // namespace
}  // namespace haumea::io
