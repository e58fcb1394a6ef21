#pragma once

// What OpenSSL says, in words; for io/tls*.cc only.

#include <openssl/ssl.h>

#include <string>

namespace haumea::io {

// The reason in an error code of OpenSSL.
std::string TlsReason(unsigned long code);  // NOLINT: OpenSSL's type

// Is it an alert that the peer has sent (RFC 8446 6.2)?
bool IsTlsAlert(unsigned long code) noexcept;  // NOLINT: OpenSSL's type
// An alert about something that may be over next time: a failure within the peer.
bool IsPassingTlsAlert(unsigned long code) noexcept;  // NOLINT: OpenSSL's type
// What a server means by an alert, with the remedy where there is one on our side. `host`: whom we asked for.
std::string TlsAlertText(unsigned long code, const std::string& host);  // NOLINT: OpenSSL's type

// Why the peer's certificate is refused. `result`: of SSL_get_verify_result(), not X509_V_OK.
std::string CertificateErrorText(bool peer_is_server, long result, const std::string& host);  // NOLINT

}  // namespace haumea::io
