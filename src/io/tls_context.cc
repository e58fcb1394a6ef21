#include "io/tls_context.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdio>
#include <filesystem>
#include <sstream>
#include <utility>

#include "base/log.h"
#include "base/regular_file.h"

namespace haumea::io {
namespace {

struct BioFree {
    void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};
struct X509Free {
    void operator()(X509* certificate) const noexcept { X509_free(certificate); }
};
struct KeyFree {
    void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};
using Bio = std::unique_ptr<BIO, BioFree>;
using Certificate = std::unique_ptr<X509, X509Free>;
using Key = std::unique_ptr<EVP_PKEY, KeyFree>;

// A key with a passphrase would make OpenSSL ask on the terminal.
int NoPassphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*user*/) { return 0; }

std::string NameOf(const PemSource& source, const char* what) {
    return source.file.empty() ? fmt::format("the {} text", what)
                               : fmt::format("{} \"{}\"", what, source.file);
}

// In front of an error: "property rootCaPath: CA certificate \"ca.pem\"".
std::string Subject(const PemSource& source, const char* what) {
    return (source.property.empty() ? "" : fmt::format("property {}: ", source.property)) +
           NameOf(source, what);
}

// Where a relative name was looked for.
std::string Place(const std::string& file) {
    std::error_code error;
    const auto folder = std::filesystem::current_path(error);
    return file.starts_with('/') || error
               ? ""
               : fmt::format("; relative names are taken from the working directory {}", folder.string());
}

Result<std::string> ReadPem(const PemSource& source, const char* what) {
    if (source.file.empty()) {
        return source.text;
    }
    constexpr size_t kMaxBytes = 8U << 20U;  // a bundle of all public CAs is 0.3 MB
    const auto file = OpenRegularFile(source.file, FileMode::kRead);
    std::string text;
    if (file) {
        text.resize(kMaxBytes);
        text.resize(std::fread(text.data(), 1, kMaxBytes, file->get()));
    }
    if (text.empty()) {
        return Failf("{} cannot be read: {}{}", Subject(source, what),
                     file ? "it is empty" : file.error().message, Place(source.file));
    }
    return text;
}

Bio OpenText(const std::string& text) {
    return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Result<> UseCertificate(SSL_CTX* context, const PemSource& source) {
    HAUMEA_TRY(const std::string pem, ReadPem(source, "certificate"));
    const Bio bio = OpenText(pem);
    const Certificate leaf(PEM_read_bio_X509_AUX(bio.get(), nullptr, NoPassphrase, nullptr));
    if (!leaf || SSL_CTX_use_certificate(context, leaf.get()) != 1) {
        const std::string reason = TlsErrorText();
        return Failf("{} is not a usable PEM certificate: {}", Subject(source, "certificate"), reason);
    }
    SSL_CTX_clear_chain_certs(context);
    while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, NoPassphrase, nullptr)) {
        if (SSL_CTX_add0_chain_cert(context, next) != 1) {
            X509_free(next);
        }
    }
    ERR_clear_error();  // the end of the file
    return {};
}

Result<> UseKey(SSL_CTX* context, const PemSource& source, const PemSource& certificate) {
    HAUMEA_TRY(const std::string pem, ReadPem(source, "private key"));
    const Bio bio = OpenText(pem);
    const Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassphrase, nullptr));
    if (!key) {
        const bool encrypted = pem.find("ENCRYPTED") != std::string::npos;
        const std::string reason = TlsErrorText();
        return Failf("{} is not a usable PEM key: {}", Subject(source, "private key"),
                     encrypted ? "it has a passphrase; store it without one" : reason);
    }
    if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
        ERR_clear_error();
        return Failf("{} does not belong to {}; give the two that were made for each other",
                     Subject(source, "private key"), NameOf(certificate, "certificate"));
    }
    return {};
}

Result<> UsePair(SSL_CTX* context, const PemSource& certificate, const PemSource& key) {
    if (certificate.empty() && key.empty()) {
        return {};
    }
    if (certificate.empty() || key.empty()) {
        return Failf("a {} is given without its {}; give both or none",
                     key.empty() ? "certificate" : "private key",
                     key.empty() ? "private key" : "certificate");
    }
    HAUMEA_TRY_VOID(UseCertificate(context, certificate));
    return UseKey(context, key, certificate);
}

Result<> UseCa(SSL_CTX* context, const PemSource& source, bool announce) {
    HAUMEA_TRY(const std::string pem, ReadPem(source, "CA certificate"));
    const Bio bio = OpenText(pem);
    size_t count = 0;
    while (true) {
        const Certificate ca(PEM_read_bio_X509(bio.get(), nullptr, NoPassphrase, nullptr));
        if (!ca) {
            break;
        }
        X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca.get());
        if (announce) {
            SSL_CTX_add_client_CA(context, ca.get());
        }
        ++count;
    }
    const std::string reason = TlsErrorText();
    if (count == 0) {
        return Failf("{} holds no PEM certificate: {}", Subject(source, "CA certificate"), reason);
    }
    return {};
}

Result<SslContext> NewContext(const SSL_METHOD* method, TlsVersion min_version) {
    SslContext context(SSL_CTX_new(method));
    if (!context) {
        return Failf("TLS cannot be set up: {}", TlsErrorText());
    }
    SSL_CTX_set_min_proto_version(context.get(),
                                  min_version == TlsVersion::kTls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
    // Idle connections give their buffers back; what Write() is offered may move between two calls.
    SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    return context;
}

Result<SslContext> NewServerContext(const TlsServerOptions& options) {
    HAUMEA_TRY(SslContext context, NewContext(TLS_server_method(), options.min_version));
    if (options.certificate.empty()) {
        return Failf("a TLS server needs a certificate and its private key");
    }
    HAUMEA_TRY_VOID(UsePair(context.get(), options.certificate, options.key));
    if (options.client_certificate != ClientCertificate::kNone) {
        if (options.client_ca.empty()) {
            return Failf("client certificates are asked for, but no CA is given to verify them against");
        }
        HAUMEA_TRY_VOID(UseCa(context.get(), options.client_ca, true));
        const int require =
            options.client_certificate == ClientCertificate::kRequire ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
        SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | require, nullptr);
    }
    // Sessions of different purposes must not be mixed up (client certificates need it).
    constexpr unsigned char kSessionId[] = "haumea";
    SSL_CTX_set_session_id_context(context.get(), kSessionId, sizeof kSessionId - 1);
    return context;
}

Result<SslContext> NewClientContext(const TlsClientOptions& options) {
    HAUMEA_TRY(SslContext context, NewContext(TLS_client_method(), options.min_version));
    HAUMEA_TRY_VOID(UsePair(context.get(), options.certificate, options.key));
    if (!options.root_ca.empty()) {
        HAUMEA_TRY_VOID(UseCa(context.get(), options.root_ca, false));
    } else if (!options.insecure_skip_verify) {
        SSL_CTX_set_default_verify_paths(context.get());
    }
    SSL_CTX_set_verify(context.get(), options.insecure_skip_verify ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
                       nullptr);
    return context;
}

}  // namespace

std::string TlsErrorText() {
    const unsigned long code = ERR_peek_last_error();  // NOLINT: OpenSSL's type
    ERR_clear_error();
    if (code == 0) {
        return "no reason given";
    }
    if (ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE) {
        return "no \"-----BEGIN\" line of that kind";
    }
    const char* reason = ERR_reason_error_string(code);
    return reason != nullptr ? reason : fmt::format("error {:#x}", code);
}

TlsContext::TlsContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsContext::~TlsContext() = default;

Result<std::shared_ptr<TlsContext>> TlsContext::ForClient(const TlsClientOptions& options) {
    auto impl = std::make_unique<Impl>();
    HAUMEA_TRY_VOID(impl->Load({&options.certificate, &options.key, &options.root_ca},
                               [options] { return NewClientContext(options); }));
    impl->verify = !options.insecure_skip_verify;
    return std::shared_ptr<TlsContext>(new TlsContext(std::move(impl)));
}

Result<std::shared_ptr<TlsContext>> TlsContext::ForServer(const TlsServerOptions& options) {
    auto impl = std::make_unique<Impl>();
    HAUMEA_TRY_VOID(impl->Load({&options.certificate, &options.key, &options.client_ca},
                               [options] { return NewServerContext(options); }));
    return std::shared_ptr<TlsContext>(new TlsContext(std::move(impl)));
}

Result<> TlsContext::Impl::Load(std::initializer_list<const PemSource*> sources,
                                std::function<Result<SslContext>()> making) {
    make = std::move(making);
    for (const PemSource* source : sources) {
        if (!source->file.empty()) {
            files.push_back({source->file, StampOf(source->file)});
        }
    }
    HAUMEA_TRY(ssl, make());
    return {};
}

TlsContext::Impl::Stamp TlsContext::Impl::StampOf(const std::string& file) {
    struct stat info{};
    if (stat(file.c_str(), &info) != 0) {
        return {};
    }
    return {int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec, int64_t{info.st_size}};
}

void TlsContext::Impl::ReloadWhenChanged() {
    bool changed = false;
    for (Watched& watched : files) {
        const Stamp now = StampOf(watched.file);
        changed |= std::exchange(watched.stamp, now) != now;
    }
    if (!changed) {
        return;
    }
    auto fresh = make();
    if (!fresh) {
        // Certificate and key are written one after the other: the second write brings us here again.
        log::Error("changed TLS files are not used, the old ones stay: {}", fresh.error().message);
        return;
    }
    ssl = std::move(*fresh);
    log::Info("TLS files of {} were loaded again", files.front().file);
}

}  // namespace haumea::io
