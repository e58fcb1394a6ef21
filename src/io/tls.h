#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "io/stream.h"

namespace haumea::io {

// Certificate, key or CA: a PEM file or the PEM text itself. The file wins when both are given.
struct PemSource {
    std::string file;
    std::string text;
    std::string property{};  // where it was given, which errors name; may be empty. Not of its identity.

    bool empty() const noexcept { return file.empty() && text.empty(); }
    bool operator==(const PemSource& other) const noexcept {
        return file == other.file && text == other.text;
    }
};

enum class TlsVersion : uint8_t { kTls12, kTls13 };

struct TlsClientOptions {
    PemSource certificate;  // with intermediate certificates behind it; needs `key`
    PemSource key;
    PemSource root_ca;  // empty: the system's certificates
    bool insecure_skip_verify = false;
    TlsVersion min_version = TlsVersion::kTls12;

    bool operator==(const TlsClientOptions&) const = default;
};

// What a server asks of its clients' certificates.
enum class ClientCertificate : uint8_t { kNone, kRequest, kRequire };

struct TlsServerOptions {
    PemSource certificate;
    PemSource key;
    PemSource client_ca;  // what the clients' certificates are verified against
    ClientCertificate client_certificate = ClientCertificate::kNone;
    TlsVersion min_version = TlsVersion::kTls12;
};

// Checked certificates and settings, shared by all connections that use them. Immutable but for files that
// have changed on disk, which the next connection reads again. Home loop only.
class TlsContext {
  public:
    // Fails with a text that names the file (or "certificate text") and what is wrong with it.
    static Result<std::shared_ptr<TlsContext>> ForClient(const TlsClientOptions& options);
    static Result<std::shared_ptr<TlsContext>> ForServer(const TlsServerOptions& options);
    ~TlsContext();
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;

    struct Impl;
    Impl& impl() noexcept { return *impl_; }

  private:
    explicit TlsContext(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// TLS over another stream, which it owns. The handshake happens within Read() and Write() (a client's first
// Write, a server's first Read), or alone by Handshake(). Bytes that Write() has taken may still wait for
// the transport; the stream sends them by itself. Home loop only.
class TlsStream : public Stream {
  public:
    // `host`: the name or address that the server's certificate has to be for. Reloads changed files as
    // Server() does.
    static std::unique_ptr<TlsStream> Client(std::unique_ptr<Stream> transport, TlsContext& context,
                                             const std::string& host);
    // Reloads certificate and key first when the files have changed on disk; broken new ones are logged and
    // the old ones stay.
    static std::unique_ptr<TlsStream> Server(std::unique_ptr<Stream> transport, TlsContext& context);

    // Goes on with the handshake: kOk when it is done, kWouldBlock (then WaitReadable and again), kFailed.
    virtual IoResult Handshake() noexcept = 0;
    virtual bool handshake_done() const noexcept = 0;
    // Has the peer sent anything yet?
    virtual bool got_bytes() const noexcept = 0;
};

}  // namespace haumea::io
