#include "io/tls_error.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/tls1.h>
#include <openssl/x509_vfy.h>

namespace haumea::io {
namespace {

// Of an alert that was received; OpenSSL's reason is SSL_AD_REASON_OFFSET above the number of the alert.
int AlertOf(unsigned long code) noexcept {  // NOLINT: OpenSSL's type
    const int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
    return reason > SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256
               ? reason - SSL_AD_REASON_OFFSET
               : 0;
}

}  // namespace

std::string TlsReason(unsigned long code) {  // NOLINT: OpenSSL's type
    const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
    return reason == nullptr ? "unknown error" : reason;
}

bool IsTlsAlert(unsigned long code) noexcept { return AlertOf(code) != 0; }  // NOLINT: OpenSSL's type

bool IsPassingTlsAlert(unsigned long code) noexcept {  // NOLINT: OpenSSL's type
    const int alert = AlertOf(code);
    return alert == SSL_AD_INTERNAL_ERROR || alert == SSL_AD_USER_CANCELLED;
}

std::string TlsAlertText(unsigned long code, const std::string& host) {  // NOLINT: OpenSSL's type
    switch (AlertOf(code)) {
        case TLS13_AD_CERTIFICATE_REQUIRED:
            return "it requires a client certificate; set certificationPath and privateKeyPath";
        case SSL_AD_CERTIFICATE_EXPIRED:
            return "our client certificate has expired";
        case SSL_AD_CERTIFICATE_REVOKED:
            return "our client certificate has been revoked";
        case SSL_AD_BAD_CERTIFICATE:
        case SSL_AD_UNSUPPORTED_CERTIFICATE:
        case SSL_AD_CERTIFICATE_UNKNOWN:
            return "it does not accept our client certificate";
        case SSL_AD_UNKNOWN_CA:
            return "it does not know the CA of our client certificate";
        case SSL_AD_PROTOCOL_VERSION:
            return "it speaks none of our TLS versions (tlsMinVersion)";
        case SSL_AD_HANDSHAKE_FAILURE:
            return "the handshake failed there; it may require a client certificate (certificationPath) or "
                   "other ciphers";
        case SSL_AD_UNRECOGNIZED_NAME:
            return fmt::format("it does not serve the name \"{}\"", host);
        case SSL_AD_ACCESS_DENIED:
            return "access denied";
        default:
            return TlsReason(code);
    }
}

std::string CertificateErrorText(bool peer_is_server, long result, const std::string& host) {  // NOLINT
    if (result == X509_V_ERR_HOSTNAME_MISMATCH || result == X509_V_ERR_IP_ADDRESS_MISMATCH) {
        return fmt::format("the server's certificate is not for \"{}\"", host);
    }
    const char* reason = X509_verify_cert_error_string(result);
    const char* remedy = "";
    switch (result) {
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            reason = "it is from a CA that is not known here";
            [[fallthrough]];
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
            remedy = peer_is_server ? "; set rootCaPath to the CA that has signed it"
                                    : "; httpServerTls.clientCa has to hold the CA that has signed it";
            break;
        case X509_V_ERR_CERT_HAS_EXPIRED:
            remedy = "; it has to be renewed there";
            break;
        case X509_V_ERR_CERT_NOT_YET_VALID:
            remedy = "; compare the clocks of both machines";
            break;
        default:
            break;
    }
    return fmt::format("the {}'s certificate is refused: {}{}", peer_is_server ? "server" : "client", reason,
                       remedy);
}

}  // namespace haumea::io
