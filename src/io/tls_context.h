#pragma once

// Inside of io::TlsContext, for io/tls*.cc only.

#include <openssl/ssl.h>

#include <sys/stat.h>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "io/tls.h"

namespace haumea::io {

struct SslContextFree {
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
using SslContext = std::unique_ptr<SSL_CTX, SslContextFree>;

struct TlsContext::Impl {
    SslContext ssl;
    bool verify = true;  // client role

    // Files that are read again when they have changed on disk.
    struct Stamp {
        int64_t mtime_ns = 0;
        int64_t size = -1;
        bool operator==(const Stamp&) const = default;
    };
    struct Watched {
        std::string file;
        Stamp stamp;
    };
    std::vector<Watched> files;
    std::function<Result<SslContext>()> make;

    // Reads a context by `making` from `sources`, now and whenever one of them has changed.
    Result<> Load(std::initializer_list<const PemSource*> sources,
                  std::function<Result<SslContext>()> making);
    void ReloadWhenChanged();

  private:
    static Stamp StampOf(const std::string& file);
};

// The reason on top of OpenSSL's error queue in words; empties the queue.
std::string TlsErrorText();

}  // namespace haumea::io
