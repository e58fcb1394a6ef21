#include "io/testing/test_certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

namespace haumea::io::testing {
namespace {

template <typename T, void (*kFree)(T*)>
struct Free {
    void operator()(T* object) const noexcept { kFree(object); }
};
using X509Ptr = std::unique_ptr<X509, Free<X509, X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY, EVP_PKEY_free>>;
using BioPtr = std::unique_ptr<BIO, Free<BIO, BIO_free_all>>;

BioPtr FromText(const std::string& text) {
    return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}
std::string ToText(BIO* bio) {
    char* data = nullptr;
    const auto size = static_cast<size_t>(BIO_get_mem_data(bio, &data));
    return {data, size};
}
void AddExtension(X509* certificate, X509* issuer, int nid, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

}  // namespace

TestIdentity MakeTestIdentity(const TestCertificate& wish) {
    const KeyPtr key(EVP_EC_gen("P-256"));
    const X509Ptr certificate(X509_new());
    X509* const x509 = certificate.get();
    X509_set_version(x509, 2);
    static long serial = 1;  // NOLINT: OpenSSL's type
    ASN1_INTEGER_set(X509_get_serialNumber(x509), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(x509), wish.valid_from_s);
    X509_gmtime_adj(X509_getm_notAfter(x509), wish.valid_until_s);
    X509_set_pubkey(x509, key.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(wish.name.c_str()), -1, -1, 0);
    X509Ptr issuer;
    KeyPtr issuer_key;
    if (wish.issuer != nullptr) {
        issuer.reset(PEM_read_bio_X509(FromText(wish.issuer->certificate).get(), nullptr, nullptr, nullptr));
        issuer_key.reset(
            PEM_read_bio_PrivateKey(FromText(wish.issuer->key).get(), nullptr, nullptr, nullptr));
    }
    X509* const signer = issuer ? issuer.get() : x509;
    X509_set_issuer_name(x509, X509_get_subject_name(signer));
    if (wish.is_ca) {
        AddExtension(x509, signer, NID_basic_constraints, "critical,CA:TRUE");
    }
    if (!wish.alternative_names.empty()) {
        AddExtension(x509, signer, NID_subject_alt_name, wish.alternative_names.c_str());
    }
    X509_sign(x509, issuer_key ? issuer_key.get() : key.get(), EVP_sha256());

    const BioPtr certificate_text(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509(certificate_text.get(), x509);
    const BioPtr key_text(BIO_new(BIO_s_mem()));
    PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    return {ToText(certificate_text.get()), ToText(key_text.get())};
}

}  // namespace haumea::io::testing
