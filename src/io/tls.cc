#include "io/tls.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error_text.h"
#include "io/socket_address.h"
#include "io/tls_context.h"
#include "io/tls_error.h"

namespace haumea::io {
namespace {

constexpr size_t kRecordBytes = 16U << 10U;  // what one TLS record carries

struct SslFree {
    void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
};

// OpenSSL's way to the transport: a BIO without a buffer of its own. Unlike OpenSSL's socket BIO it raises no
// SIGPIPE and works over any Stream.
struct Transport {
    std::unique_ptr<Stream> stream;
    bool ended = false;  // the peer has finished
    int error = 0;       // of the first call that failed
    bool got_bytes = false;
    bool plain_text = false;  // the first bytes were no TLS record
};

int BioRead(BIO* bio, char* data, int size) {
    auto& transport = *static_cast<Transport*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    const IoResult result = transport.stream->Read({data, static_cast<size_t>(size)});
    switch (result.status) {
        case IoResult::Status::kOk:
            if (!std::exchange(transport.got_bytes, true)) {
                // Record types are 20 to 23; text has letters.
                transport.plain_text = static_cast<unsigned char>(data[0]) >= 0x20;
            }
            return static_cast<int>(result.bytes);
        case IoResult::Status::kWouldBlock:
            BIO_set_retry_read(bio);
            return -1;
        case IoResult::Status::kEnd:
            transport.ended = true;
            return 0;
        case IoResult::Status::kFailed:
            transport.error = transport.error != 0 ? transport.error : result.error;
            return -1;
    }
    return -1;
}

int BioWrite(BIO* bio, const char* data, int size) {
    auto& transport = *static_cast<Transport*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    const iovec part{const_cast<char*>(data), static_cast<size_t>(size)};
    const IoResult result = transport.stream->Write({&part, 1});
    if (result.status == IoResult::Status::kOk) {
        return static_cast<int>(result.bytes);
    }
    if (result.status == IoResult::Status::kWouldBlock) {
        BIO_set_retry_write(bio);
    } else {
        transport.error = transport.error != 0 ? transport.error : result.error;
    }
    return -1;
}

long BioControl(BIO* bio, int command, long /*number*/, void* /*pointer*/) {  // NOLINT: OpenSSL's types
    switch (command) {
        case BIO_CTRL_FLUSH:
            return 1;
        case BIO_CTRL_EOF:
            return static_cast<Transport*>(BIO_get_data(bio))->ended ? 1 : 0;
        default:
            return 0;
    }
}

const BIO_METHOD* StreamMethod() {
    static const BIO_METHOD* const method = [] {
        BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
        BIO_meth_set_read(made, BioRead);
        BIO_meth_set_write(made, BioWrite);
        BIO_meth_set_ctrl(made, BioControl);
        return made;
    }();
    return method;
}

class TlsStreamImpl final : public TlsStream {
  public:
    TlsStreamImpl(std::unique_ptr<Stream> stream, SSL_CTX* context) : ssl_(SSL_new(context)) {
        transport_.stream = std::move(stream);
        BIO* bio = BIO_new(StreamMethod());
        BIO_set_data(bio, &transport_);
        BIO_set_init(bio, 1);
        SSL_set_bio(ssl_.get(), bio, bio);
    }
    ~TlsStreamImpl() override { Close(); }

    void ActAsClient(const std::string& host, bool verify) {
        SSL_set_connect_state(ssl_.get());
        host_ = host;
        const bool is_address = SocketAddress::Parse(host, 0).has_value();
        if (!is_address) {
            SSL_set_tlsext_host_name(ssl_.get(), host.c_str());  // RFC 6066 3: names only
        }
        if (verify) {
            X509_VERIFY_PARAM* param = SSL_get0_param(ssl_.get());
            if (is_address) {
                X509_VERIFY_PARAM_set1_ip_asc(param, host.c_str());
            } else {
                X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
                X509_VERIFY_PARAM_set1_host(param, host.c_str(), host.size());
            }
        }
    }
    void ActAsServer() { SSL_set_accept_state(ssl_.get()); }

    IoResult Handshake() noexcept override {
        ERR_clear_error();
        const int result = SSL_do_handshake(ssl_.get());
        return result == 1 ? IoResult{IoResult::Status::kOk} : Outcome(result);
    }
    bool handshake_done() const noexcept override { return SSL_is_init_finished(ssl_.get()) == 1; }
    bool got_bytes() const noexcept override { return transport_.got_bytes; }

    IoResult Read(std::span<char> into) noexcept override {
        ERR_clear_error();
        size_t bytes = 0;
        const int result = SSL_read_ex(ssl_.get(), into.data(), into.size(), &bytes);
        return result == 1 ? IoResult{IoResult::Status::kOk, bytes, 0} : Outcome(result);
    }

    IoResult Write(std::span<const iovec> parts) noexcept override {
        if (!pending_.empty() || write_failed_) {
            return write_failed_ ? IoResult{IoResult::Status::kFailed}
                                 : IoResult{IoResult::Status::kWouldBlock};
        }
        size_t total = 0;
        size_t offset = 0;
        while (!parts.empty()) {
            const size_t size = Gather(parts, offset);
            if (size == 0) {
                break;
            }
            const IoResult result = WriteRecord(size);
            if (result.status != IoResult::Status::kOk) {
                return total > 0 && result.status == IoResult::Status::kWouldBlock
                           ? IoResult{IoResult::Status::kOk, total, 0}
                           : result;
            }
            total += result.bytes;
            if (!pending_.empty() || result.bytes < size) {
                break;
            }
        }
        return {IoResult::Status::kOk, total, 0};
    }

    void WaitReadable(std::function<void()> ready) override {
        on_readable_ = std::move(ready);
        if (SSL_pending(ssl_.get()) > 0) {
            // Decrypted bytes wait already; the transport may never become readable for them.
            WaitTransportWritable();
        }
        ArmReadable();
    }
    void WaitWritable(std::function<void()> ready) override {
        on_writable_ = std::move(ready);
        // During the handshake writing waits for the peer's bytes.
        if (want_read_to_write_) {
            ArmReadable();
        } else {
            WaitTransportWritable();
        }
    }
    void CancelWaits() noexcept override {
        const auto readable = std::exchange(on_readable_, nullptr);
        const auto writable = std::exchange(on_writable_, nullptr);
        transport_.stream->CancelWaits();
        if (!pending_.empty()) {
            WaitTransportWritable();  // for ourselves
        }
    }
    void ShutdownWrite() noexcept override {
        shutdown_wanted_ = true;
        if (pending_.empty()) {
            SendShutdown();
        }
    }
    void Close() noexcept override {
        if (std::exchange(closed_, true)) {
            return;
        }
        const auto readable = std::exchange(on_readable_, nullptr);
        const auto writable = std::exchange(on_writable_, nullptr);
        if (pending_.empty() && !shutdown_sent_ && handshake_done() && !write_failed_) {
            ERR_clear_error();
            SSL_shutdown(ssl_.get());  // close_notify when the socket takes it
        }
        transport_.stream->Close();
    }
    bool secure() const noexcept override { return true; }
    const std::string& remote_address() const override { return transport_.stream->remote_address(); }
    const std::string& local_address() const override { return transport_.stream->local_address(); }
    std::string last_error() const override { return error_; }

  private:
    // Fills the scratch block with up to one record from the front of `parts`, which moves on; `offset` is
    // what is used of its first entry.
    static size_t Gather(std::span<const iovec>& parts, size_t& offset) {
        size_t size = 0;
        while (!parts.empty() && size < kRecordBytes) {
            const iovec& part = parts.front();
            const size_t n = std::min(part.iov_len - offset, kRecordBytes - size);
            std::memcpy(Scratch() + size, static_cast<const char*>(part.iov_base) + offset, n);
            size += n;
            offset += n;
            if (offset == part.iov_len) {
                parts = parts.subspan(1);
                offset = 0;
            }
        }
        return size;
    }
    // One per loop's thread, used within a call: an idle connection owns no buffer.
    static char* Scratch() {
        thread_local std::array<char, kRecordBytes> block;
        return block.data();
    }

    // Once OpenSSL has encrypted bytes it insists on them, while callers may drop what they have not handed
    // over. So a record that the transport does not take whole is kept here and counts as taken.
    IoResult WriteRecord(size_t size) {
        ERR_clear_error();
        size_t bytes = 0;
        const int result = SSL_write_ex(ssl_.get(), Scratch(), size, &bytes);
        if (result == 1) {
            return {IoResult::Status::kOk, bytes, 0};
        }
        IoResult outcome = Outcome(result);
        if (outcome.status == IoResult::Status::kEnd) {
            error_ = ErrorText(EPIPE);
            outcome = {IoResult::Status::kFailed, 0, EPIPE};
        }
        if (outcome.status == IoResult::Status::kWouldBlock && handshake_done()) {
            pending_.assign(Scratch(), size);
            WaitTransportWritable();
            return {IoResult::Status::kOk, size, 0};
        }
        return outcome;
    }

    // True when nothing is left of it.
    bool FlushPending() {
        while (!pending_.empty()) {
            ERR_clear_error();
            size_t bytes = 0;
            const int result = SSL_write_ex(ssl_.get(), pending_.data(), pending_.size(), &bytes);
            if (result == 1) {
                pending_.erase(0, bytes);
                continue;
            }
            if (Outcome(result).status == IoResult::Status::kWouldBlock) {
                WaitTransportWritable();
                return false;
            }
            write_failed_ = true;  // the next Write() says so
            pending_.clear();
        }
        std::string().swap(pending_);
        if (shutdown_wanted_) {
            SendShutdown();
        }
        return true;
    }

    void SendShutdown() {
        if (!std::exchange(shutdown_sent_, true)) {
            ERR_clear_error();
            SSL_shutdown(ssl_.get());
            transport_.stream->ShutdownWrite();
        }
    }

    void WaitTransportWritable() {
        transport_.stream->WaitWritable([this] { OnTransportWritable(); });
    }
    void OnTransportWritable() {
        if (!FlushPending()) {
            return;
        }
        // Decrypted bytes that wait need no event of the transport; and reading may be what waited to write.
        const bool also_read = want_write_to_read_ || SSL_pending(ssl_.get()) > 0;
        const auto writable = std::exchange(on_writable_, nullptr);
        const auto readable = also_read ? std::exchange(on_readable_, nullptr) : nullptr;
        Call(writable, readable);
    }
    void ArmReadable() {
        if (want_write_to_read_) {
            WaitTransportWritable();
            return;
        }
        transport_.stream->WaitReadable([this] {
            const auto readable = std::exchange(on_readable_, nullptr);
            const auto writable = want_read_to_write_ ? std::exchange(on_writable_, nullptr) : nullptr;
            Call(readable, writable);
        });
    }
    // Both may be set; the first may destroy this object, or cancel the second.
    void Call(const std::function<void()>& first, const std::function<void()>& second) {
        const std::weak_ptr<int> alive = alive_;
        if (first) {
            first();
        }
        if (second && !alive.expired() && !closed_) {
            second();
        }
    }

    IoResult Outcome(int result) {
        want_read_to_write_ = false;
        want_write_to_read_ = false;
        switch (SSL_get_error(ssl_.get(), result)) {
            case SSL_ERROR_WANT_READ:
                want_read_to_write_ = !handshake_done();
                return {IoResult::Status::kWouldBlock};
            case SSL_ERROR_WANT_WRITE:
                want_write_to_read_ = true;
                return {IoResult::Status::kWouldBlock};
            case SSL_ERROR_ZERO_RETURN:
                return {IoResult::Status::kEnd};
            default:
                return Failure();
        }
    }

    // The first failure is the one that is told; what follows is its echo, unless it is what the peer has to
    // say about it.
    IoResult Failure() {
        const unsigned long code = ERR_peek_last_error();  // NOLINT: OpenSSL's type
        ERR_clear_error();
        const bool alert = IsTlsAlert(code);
        if (handshake_done() && transport_.ended && error_.empty() && !alert) {
            // Without close_notify: for protocols that mark their own ends, as WebSocket does, an end.
            return {IoResult::Status::kEnd};
        }
        if (error_.empty() || alert) {
            errno_ = transport_.error;
            error_ = alert                   ? AlertError(code)
                     : !handshake_done()     ? HandshakeError(code)
                     : transport_.error != 0 ? ErrorText(transport_.error)
                                             : "TLS: " + TlsReason(code);
        }
        return {IoResult::Status::kFailed, 0, errno_};
    }

    std::string AlertError(unsigned long code) {  // NOLINT: OpenSSL's type
        errno_ = IsPassingTlsAlert(code) ? ECONNABORTED : 0;
        return SSL_is_server(ssl_.get()) == 1
                   ? fmt::format("the client refuses: {}", TlsReason(code))
                   : fmt::format("the server refuses: {}", TlsAlertText(code, host_));
    }

    // What is refused for good leaves no errno; an end without a word counts as a reset.
    std::string HandshakeError(unsigned long code) {  // NOLINT: OpenSSL's type
        const bool server = SSL_is_server(ssl_.get()) == 1;
        const bool verifies = (SSL_get_verify_mode(ssl_.get()) & SSL_VERIFY_PEER) != 0;
        const long verified = SSL_get_verify_result(ssl_.get());  // NOLINT: OpenSSL's type
        if (transport_.plain_text || (verifies && verified != X509_V_OK)) {
            errno_ = 0;
        }
        if (transport_.plain_text) {
            return server ? "the client speaks plain text where TLS is expected"
                          : "the server answered in plain text: set scheme: ws";
        }
        if (verifies && verified != X509_V_OK) {
            return CertificateErrorText(!server, verified, host_);
        }
        if (transport_.ended) {
            errno_ = ECONNRESET;
            if (transport_.got_bytes) {
                return "the peer ended the connection within the TLS handshake";
            }
            // What a server without TLS does with such bytes is often to hang up.
            return server ? "the client ended the connection without beginning the TLS handshake"
                          : "the server ended the connection without answering the TLS handshake; if it does "
                            "not speak TLS, set scheme: ws";
        }
        if (transport_.error != 0) {
            return ErrorText(transport_.error);
        }
        return code == 0 ? "the TLS handshake failed"
                         : fmt::format("the TLS handshake failed: {}", TlsReason(code));
    }

    Transport transport_;  // before ssl_, whose BIO points to it
    std::unique_ptr<SSL, SslFree> ssl_;
    std::string host_;
    std::string error_;
    int errno_ = 0;        // of error_; 0: TLS itself
    std::string pending_;  // plain bytes that count as taken and wait for the transport
    std::function<void()> on_readable_;
    std::function<void()> on_writable_;
    bool want_read_to_write_ = false;  // the handshake needs the peer's bytes before ours go on
    bool want_write_to_read_ = false;
    bool write_failed_ = false;
    bool shutdown_wanted_ = false;
    bool shutdown_sent_ = false;
    bool closed_ = false;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // expires with this object
};

}  // namespace

std::unique_ptr<TlsStream> TlsStream::Client(std::unique_ptr<Stream> transport, TlsContext& context,
                                             const std::string& host) {
    context.impl().ReloadWhenChanged();
    auto stream = std::make_unique<TlsStreamImpl>(std::move(transport), context.impl().ssl.get());
    stream->ActAsClient(host, context.impl().verify);
    return stream;
}

std::unique_ptr<TlsStream> TlsStream::Server(std::unique_ptr<Stream> transport, TlsContext& context) {
    context.impl().ReloadWhenChanged();
    auto stream = std::make_unique<TlsStreamImpl>(std::move(transport), context.impl().ssl.get());
    stream->ActAsServer();
    return stream;
}

}  // namespace haumea::io
