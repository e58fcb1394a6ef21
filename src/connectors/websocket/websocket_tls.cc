#include "connectors/websocket/websocket_tls.h"

#include <fmt/core.h>

#include "data/cast.h"

namespace haumea::connectors {

namespace {

using connect::PropertyReader;

// Where the base64 ends to be some: for messages.
std::string Base64Problem(std::string_view text) {
    if (text.find("-----BEGIN") != std::string_view::npos) {
        return "it is the PEM text itself";
    }
    constexpr std::string_view kAlphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\r\n";
    const size_t at = text.find_first_not_of(kAlphabet);
    return at == std::string_view::npos ? "it is cut off, or its padding (=) is"
                                        : fmt::format("byte {} is not of its alphabet", at);
}

// PEM material given as a file or as base64 of the text; the file wins.
io::PemSource ReadPem(PropertyReader& reader, std::string_view path_name, std::string_view raw_name,
                      std::string_view raw_alias = {}) {
    io::PemSource pem;
    pem.file = reader.String(path_name);
    const std::string raw = raw_alias.empty() ? reader.String(raw_name) : reader.Aliased(raw_name, raw_alias);
    if (!pem.file.empty()) {
        pem.property = path_name;
        return pem;
    }
    // The spelling that was used is the one to name.
    pem.property = raw_alias.empty() || reader.Has(raw_name) ? raw_name : raw_alias;
    if (raw.empty()) {
        return pem;
    }
    auto text = DecodeBase64(raw);
    if (!text) {
        // Not the value: it may be a key.
        reader.Refuse(
            Errorf("property {} is no base64 ({}): give the base64 of a PEM text, or a file with {}",
                   pem.property, Base64Problem(raw), path_name));
        return pem;
    }
    pem.text = std::move(*text);
    if (pem.text.empty()) {
        pem.text = "\n";  // something was given, and it holds no PEM
    }
    return pem;
}

// "rootCaPath", "certificationPath, privateKeyRaw".
std::string NamesOf(const io::TlsClientOptions& tls) {
    std::string names;
    for (const io::PemSource* pem : {&tls.certificate, &tls.key, &tls.root_ca}) {
        if (!pem->empty()) {
            names += names.empty() ? "" : ", ";
            names += pem->property;
        }
    }
    return names;
}

void CheckPair(PropertyReader& reader, const io::TlsClientOptions& tls) {
    if (tls.certificate.empty() == tls.key.empty()) {
        return;
    }
    const bool lacks_key = tls.key.empty();
    reader.Refuse(
        Errorf("property {}: a {} is given without its {} ({}); give both or none",
               lacks_key ? tls.certificate.property : tls.key.property,
               lacks_key ? "certificate" : "private key", lacks_key ? "private key" : "certificate",
               lacks_key ? "privateKeyPath or privateKeyRaw" : "certificationPath or certificationRaw"));
}

}  // namespace

void ReadTls(PropertyReader& reader, WebSocketConfig& config) {
    io::TlsClientOptions tls;
    tls.insecure_skip_verify = reader.Bool("insecureSkipVerify", false);
    tls.certificate = ReadPem(reader, "certificationPath", "certificationRaw", "certficationRaw");
    tls.key = ReadPem(reader, "privateKeyPath", "privateKeyRaw");
    tls.root_ca = ReadPem(reader, "rootCaPath", "rootCARaw");
    const std::string version = reader.String("tlsMinVersion");
    if (version == "tls1.3" || version == "1.3") {
        tls.min_version = io::TlsVersion::kTls13;
    } else if (!version.empty() && version != "tls1.2" && version != "1.2") {
        reader.Refuse(Errorf("property tlsMinVersion is \"{}\", but has to be tls1.2 or tls1.3", version));
    }
    const std::string scheme = reader.String("scheme");
    if (!scheme.empty() && scheme != "ws" && scheme != "wss") {
        reader.Refuse(Errorf("property scheme is \"{}\", but has to be ws or wss", scheme));
    }
    const std::string certificates = NamesOf(tls);
    std::string named = certificates;  // every TLS property that was given
    const auto add = [&named](bool given, std::string_view name) {
        if (given) {
            named += named.empty() ? "" : ", ";
            named += name;
        }
    };
    add(tls.insecure_skip_verify, "insecureSkipVerify");
    add(!version.empty(), "tlsMinVersion");
    if (scheme == "ws" && !certificates.empty()) {
        reader.Refuse(
            Errorf("property scheme is \"ws\", but certificates are given ({}): set scheme to wss or leave "
                   "them out",
                   certificates));
    }
    if (!reader.status()) {
        return;
    }
    CheckPair(reader, tls);
    // Without any there is nothing to read but the certificates of the system, which take their time.
    if (!certificates.empty()) {
        // Unreadable files, a key that does not fit and the like are mistakes of the rule, not of the
        // connection.
        if (auto context = io::TlsContext::ForClient(tls); !context) {
            reader.Refuse(std::move(context.error()));
        }
    }
    if (!config.client_role) {
        add(scheme == "wss", "scheme");
        if (!named.empty()) {
            config.warnings.push_back(
                fmt::format("{}: without addr {} has no effect: TLS of what is served is set by "
                            "source.httpServerTls",
                            reader.what(), named));
        }
    } else if (scheme == "ws" && !named.empty()) {
        config.warnings.push_back(fmt::format("{}: {} has no effect with scheme ws", reader.what(), named));
    } else if (scheme == "wss" || !named.empty()) {
        config.target.tls = std::move(tls);
    }
}

}  // namespace haumea::connectors
