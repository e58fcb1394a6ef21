#include "ws/extensions.h"

#include <fmt/format.h>

#include <algorithm>

#include "ws/http_head.h"

namespace haumea::ws {
namespace {

constexpr std::string_view kDeflateName = "permessage-deflate";
constexpr uint8_t kMinBits = 8;
constexpr uint8_t kMaxBits = 15;

// Recursive descent over one header value.
class ExtensionReader {
  public:
    explicit ExtensionReader(std::string_view text) : rest_(text) {}

    std::optional<std::vector<Extension>> Read() {
        std::vector<Extension> list;
        while (true) {
            SkipSpace();
            if (rest_.empty()) {
                // Empty elements are passed over (RFC 9110 5.6.1), but one has to be there (RFC 6455 9.1).
                return list.empty() ? std::nullopt : std::make_optional(std::move(list));
            }
            if (Take(',')) {
                continue;
            }
            Extension extension;
            if (!ReadExtension(extension)) {
                return std::nullopt;
            }
            list.push_back(std::move(extension));
            SkipSpace();
            if (!rest_.empty() && !Take(',')) {
                return std::nullopt;
            }
        }
    }

  private:
    void SkipSpace() {
        while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t')) {
            rest_.remove_prefix(1);
        }
    }
    bool Take(char c) {
        if (rest_.empty() || rest_.front() != c) {
            return false;
        }
        rest_.remove_prefix(1);
        return true;
    }
    bool ReadToken(std::string& out) {
        size_t size = 0;
        while (size < rest_.size() && IsHttpToken(rest_.substr(size, 1))) {
            ++size;
        }
        out = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return size != 0;
    }
    bool ReadExtension(Extension& extension) {
        if (!ReadToken(extension.name)) {
            return false;
        }
        SkipSpace();
        while (Take(';')) {
            SkipSpace();
            Extension::Param param;
            if (!ReadToken(param.name)) {
                return false;
            }
            SkipSpace();
            if (Take('=')) {
                SkipSpace();
                param.value.emplace();
                if (!ReadValue(*param.value)) {
                    return false;
                }
                SkipSpace();
            }
            extension.params.push_back(std::move(param));
        }
        return true;
    }
    // A token, or a quoted string whose content is a token (RFC 6455 9.1).
    bool ReadValue(std::string& out) {
        if (!Take('"')) {
            return ReadToken(out);
        }
        while (!rest_.empty() && rest_.front() != '"') {
            if (Take('\\') && rest_.empty()) {
                return false;
            }
            out += rest_.front();
            rest_.remove_prefix(1);
        }
        return Take('"') && IsHttpToken(out);
    }

    std::string_view rest_;
};

// "8" to "15", nothing else (RFC 7692 7.1.2: no leading zeros).
std::optional<uint8_t> ReadBits(const std::string& text) {
    for (uint8_t bits = kMinBits; bits <= kMaxBits; ++bits) {
        if (text == fmt::format_int(bits).str()) {
            return bits;
        }
    }
    return std::nullopt;
}

// The parameters of one permessage-deflate element, offer or answer.
struct DeflateElement {
    bool server_no_context_takeover = false;
    bool client_no_context_takeover = false;
    std::optional<uint8_t> server_bits;
    bool has_client_bits = false;
    std::optional<uint8_t> client_bits;
};

// Null when every parameter is known, given once and in range; else what is wrong.
const char* ReadElement(const Extension& extension, DeflateElement& element) {
    constexpr const char* kBadBits = "permessage-deflate with window bits that are not 8 to 15";
    const auto set_flag = [](const Extension::Param& param, bool& flag) -> const char* {
        if (param.value) {
            return "permessage-deflate parameter with a value it does not take";
        }
        if (flag) {
            return "permessage-deflate parameter given twice";
        }
        flag = true;
        return nullptr;
    };
    for (const Extension::Param& param : extension.params) {
        const char* problem = nullptr;
        if (param.name == "server_no_context_takeover") {
            problem = set_flag(param, element.server_no_context_takeover);
        } else if (param.name == "client_no_context_takeover") {
            problem = set_flag(param, element.client_no_context_takeover);
        } else if (param.name == "server_max_window_bits") {
            if (element.server_bits) {
                problem = "permessage-deflate parameter given twice";
            } else {
                element.server_bits = param.value ? ReadBits(*param.value) : std::nullopt;
                problem = element.server_bits ? nullptr : kBadBits;
            }
        } else if (param.name == "client_max_window_bits") {
            if (element.has_client_bits) {
                problem = "permessage-deflate parameter given twice";
            } else {
                element.has_client_bits = true;
                element.client_bits = param.value ? ReadBits(*param.value) : std::nullopt;
                problem = param.value && !element.client_bits ? kBadBits : nullptr;
            }
        } else {
            problem = "unknown permessage-deflate parameter";
        }
        if (problem != nullptr) {
            return problem;
        }
    }
    return nullptr;
}

}  // namespace

std::optional<std::vector<Extension>> ParseExtensions(std::string_view header) {
    return ExtensionReader(header).Read();
}

DeflateAnswer AnswerDeflate(const std::vector<Extension>& offers, const ServerDeflatePolicy& policy) {
    DeflateAnswer answer;
    if (!policy.enabled) {
        return answer;
    }
    for (const Extension& offer : offers) {
        DeflateElement element;
        if (offer.name != kDeflateName || ReadElement(offer, element) != nullptr) {
            continue;  // RFC 7692 7: an offer with unknown or malformed parameters is declined
        }
        const uint8_t server_bits =
            std::min(element.server_bits.value_or(kMaxBits), policy.server_window_bits);
        if (server_bits < policy.min_server_window_bits) {
            continue;
        }
        DeflateParams& params = answer.params;
        params.enabled = true;
        params.server_no_context_takeover =
            element.server_no_context_takeover || policy.server_no_context_takeover;
        params.client_no_context_takeover =
            element.client_no_context_takeover || policy.client_no_context_takeover;
        params.server_max_window_bits = server_bits;
        // Only a client that mentioned the parameter understands it in the answer (RFC 7692 7.1.2.2).
        if (element.has_client_bits) {
            params.client_max_window_bits =
                std::min(element.client_bits.value_or(kMaxBits), policy.client_window_bits);
        }
        answer.header = kDeflateName;
        answer.header += params.server_no_context_takeover ? "; server_no_context_takeover" : "";
        answer.header += params.client_no_context_takeover ? "; client_no_context_takeover" : "";
        if (element.server_bits || server_bits < kMaxBits) {
            answer.header += fmt::format("; server_max_window_bits={}", server_bits);
        }
        if (params.client_max_window_bits < kMaxBits) {
            answer.header += fmt::format("; client_max_window_bits={}", params.client_max_window_bits);
        }
        break;
    }
    return answer;
}

std::string MakeDeflateOffer(const ClientDeflateOffer& offer) {
    if (!offer.enabled) {
        return {};
    }
    std::string header(kDeflateName);
    header += offer.server_no_context_takeover ? "; server_no_context_takeover" : "";
    header += offer.client_no_context_takeover ? "; client_no_context_takeover" : "";
    if (offer.server_max_window_bits < kMaxBits) {
        header += fmt::format("; server_max_window_bits={}", offer.server_max_window_bits);
    }
    header += "; client_max_window_bits";
    if (offer.client_max_window_bits < kMaxBits) {
        header += fmt::format("={}", offer.client_max_window_bits);
    }
    return header;
}

AcceptedDeflate CheckDeflateAnswer(std::string_view header, const ClientDeflateOffer& offer) {
    AcceptedDeflate accepted;
    const auto fail = [](const char* problem) {
        AcceptedDeflate failed;
        failed.problem = problem;
        return failed;
    };
    const std::optional<std::vector<Extension>> list = ParseExtensions(header);
    if (!list) {
        return fail("malformed Sec-WebSocket-Extensions");
    }
    for (const Extension& extension : *list) {
        if (!offer.enabled || extension.name != kDeflateName) {
            return fail("an extension that was not offered");
        }
        if (accepted.params.enabled) {
            return fail("permessage-deflate twice");
        }
        DeflateElement element;
        if (const char* problem = ReadElement(extension, element); problem != nullptr) {
            return fail(problem);
        }
        if (element.has_client_bits && !element.client_bits) {
            return fail("client_max_window_bits without a value");
        }
        if (element.client_bits.value_or(kMinBits) > offer.client_max_window_bits) {
            return fail("client_max_window_bits above the offer");
        }
        // RFC 7692 7.1.1.1 and 7.1.2.1: what was asked of the server has to be in its answer.
        if (offer.server_no_context_takeover && !element.server_no_context_takeover) {
            return fail("no server_no_context_takeover although it was asked for");
        }
        if (offer.server_max_window_bits < kMaxBits &&
            element.server_bits.value_or(kMaxBits) > offer.server_max_window_bits) {
            return fail("a larger server window than was asked for");
        }
        DeflateParams& params = accepted.params;
        params.enabled = true;
        params.server_no_context_takeover = element.server_no_context_takeover;
        params.client_no_context_takeover =
            element.client_no_context_takeover || offer.client_no_context_takeover;
        params.server_max_window_bits = element.server_bits.value_or(kMaxBits);
        params.client_max_window_bits = element.client_bits.value_or(offer.client_max_window_bits);
    }
    return accepted;
}

}  // namespace haumea::ws
