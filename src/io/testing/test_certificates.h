#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

namespace haumea::io::testing {

// A certificate with its key as PEM texts, made at run time for tests.
struct TestIdentity {
    std::string certificate;
    std::string key;
};

// What a test certificate says.
struct TestCertificate {
    std::string name = "localhost";
    std::string alternative_names = "DNS:localhost,IP:127.0.0.1";  // empty: none
    long valid_from_s = -3600;                                     // NOLINT: OpenSSL's type; from now
    long valid_until_s = 3600;                                     // NOLINT
    bool is_ca = false;
    const TestIdentity* issuer = nullptr;  // null: signs itself
};

namespace detail {

template <typename T, void (*kFree)(T*)>
struct Free {
    void operator()(T* object) const noexcept { kFree(object); }
};
using X509Ptr = std::unique_ptr<X509, Free<X509, X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY, EVP_PKEY_free>>;
using BioPtr = std::unique_ptr<BIO, Free<BIO, BIO_free_all>>;

inline BioPtr FromText(const std::string& text) {
    return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}
inline std::string ToText(BIO* bio) {
    char* data = nullptr;
    const auto size = static_cast<size_t>(BIO_get_mem_data(bio, &data));
    return {data, size};
}
inline void AddExtension(X509* certificate, X509* issuer, int nid, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

}  // namespace detail

inline TestIdentity MakeTestIdentity(const TestCertificate& wish) {
    const detail::KeyPtr key(EVP_EC_gen("P-256"));
    const detail::X509Ptr certificate(X509_new());
    X509* const x509 = certificate.get();
    X509_set_version(x509, 2);
    static long serial = 1;  // NOLINT: OpenSSL's type
    ASN1_INTEGER_set(X509_get_serialNumber(x509), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(x509), wish.valid_from_s);
    X509_gmtime_adj(X509_getm_notAfter(x509), wish.valid_until_s);
    X509_set_pubkey(x509, key.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(wish.name.c_str()), -1, -1, 0);
    detail::X509Ptr issuer;
    detail::KeyPtr issuer_key;
    if (wish.issuer != nullptr) {
        issuer.reset(
            PEM_read_bio_X509(detail::FromText(wish.issuer->certificate).get(), nullptr, nullptr, nullptr));
        issuer_key.reset(
            PEM_read_bio_PrivateKey(detail::FromText(wish.issuer->key).get(), nullptr, nullptr, nullptr));
    }
    X509* const signer = issuer ? issuer.get() : x509;
    X509_set_issuer_name(x509, X509_get_subject_name(signer));
    if (wish.is_ca) {
        detail::AddExtension(x509, signer, NID_basic_constraints, "critical,CA:TRUE");
    }
    if (!wish.alternative_names.empty()) {
        detail::AddExtension(x509, signer, NID_subject_alt_name, wish.alternative_names.c_str());
    }
    X509_sign(x509, issuer_key ? issuer_key.get() : key.get(), EVP_sha256());

    const detail::BioPtr certificate_text(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509(certificate_text.get(), x509);
    const detail::BioPtr key_text(BIO_new(BIO_s_mem()));
    PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    return {detail::ToText(certificate_text.get()), detail::ToText(key_text.get())};
}

}  // namespace haumea::io::testing
