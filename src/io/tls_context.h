#pragma once

// Inside of io::TlsContext, for io/tls*.cc only.

#include <openssl/ssl.h>

#include <sys/stat.h>
#include <memory>
#include <optional>
#include <string>

#include "io/tls.h"

namespace haumea::io {

struct SslContextFree {
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
using SslContext = std::unique_ptr<SSL_CTX, SslContextFree>;

struct TlsContext::Impl {
    SslContext ssl;
    bool verify = true;  // client role

    // Server role: what to look at for changes.
    struct Stamp {
        int64_t mtime_ns = 0;
        int64_t size = -1;
        bool operator==(const Stamp&) const = default;
    };
    std::optional<TlsServerOptions> server;
    Stamp certificate_stamp;
    Stamp key_stamp;

    static Stamp StampOf(const PemSource& source);
    void ReloadWhenChanged();
};

// The reason on top of OpenSSL's error queue in words; empties the queue.
std::string TlsErrorText();

}  // namespace haumea::io
