#include "ws/client_handshake.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "ws/handshake.h"

namespace haumea::ws {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

// What the handshake itself says, and what would announce a body behind the request.
constexpr std::array<std::string_view, 9> kOwnHeaders = {"Connection",
                                                         "Upgrade",
                                                         "Sec-WebSocket-Key",
                                                         "Sec-WebSocket-Version",
                                                         "Sec-WebSocket-Extensions",
                                                         "Sec-WebSocket-Accept",
                                                         "Content-Length",
                                                         "Transfer-Encoding",
                                                         "Trailer"};

std::string EncodeNonce(const std::array<uint8_t, 16>& nonce) {
    std::array<unsigned char, 32> encoded{};
    const int size = EVP_EncodeBlock(encoded.data(), nonce.data(), static_cast<int>(nonce.size()));
    return {reinterpret_cast<const char*>(encoded.data()), static_cast<size_t>(size)};
}

// What a person typed as a path, as it may stand in a request line: spaces and other foreign characters
// encoded.
Result<std::string> EncodeTarget(std::string_view target) {
    if (!target.starts_with('/')) {
        return Failf("websocket path \"{}\" must start with \"/\"", target);
    }
    std::string out;
    for (const char c : target) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7F) {
            return Failf("websocket path holds the control character 0x{:02x}; remove it", byte);
        }
        if (c == '#') {
            return Failf(
                "websocket path \"{}\" has a fragment (#), which RFC 6455 forbids; write %23 for the "
                "character",
                target.substr(0, target.find('?')));  // the query may hold a token
        }
        if (byte >= 0x80 || std::string_view(" \"<>\\^`{|}").find(c) != std::string_view::npos) {
            out += fmt::format("%{:02X}", byte);
        } else {
            out += c;
        }
    }
    return out;
}

Result<> CheckHost(std::string_view host) {
    const bool good = !host.empty() && IsHeaderValue(host) &&
                      host.find_first_of(" \t,/@?#\\\"<>") == std::string_view::npos;
    if (!good) {
        return Failf("websocket host \"{}\" is not a host name or host:port", host);
    }
    return {};
}

// What the other end sent, fit for a status line or a log: printable ASCII, not too long.
std::string Printable(std::string_view text) {
    constexpr size_t kMaxShown = 120;
    std::string out(text.substr(0, kMaxShown));
    std::replace_if(out.begin(), out.end(), [](char c) { return c < 0x20 || c > 0x7E; }, '?');
    return out + (text.size() > kMaxShown ? "..." : "");
}

// A TLS record (alert or handshake) where an HTTP answer should be.
bool LooksLikeTls(std::string_view bytes) { return bytes.starts_with('\x15') || bytes.starts_with('\x16'); }

// Splits the value of a Sec-WebSocket-Protocol header of the user.
void AddSubprotocols(std::string_view list, std::vector<std::string>& out) {
    while (true) {
        const size_t comma = list.find(',');
        const std::string_view element = TrimSpace(list.substr(0, comma));
        if (!element.empty()) {
            out.emplace_back(element);
        }
        if (comma == std::string_view::npos) {
            return;
        }
        list.remove_prefix(comma + 1);
    }
}

}  // namespace

Result<> CheckSubprotocols(const std::vector<std::string>& subprotocols) {
    for (auto it = subprotocols.begin(); it != subprotocols.end(); ++it) {
        if (!IsHttpToken(*it)) {
            return Failf(
                "websocket subprotocol \"{}\" is not a token: letters, digits and !#$%&'*+-.^_`|~ only", *it);
        }
        if (std::find(subprotocols.begin(), it, *it) != it) {
            return Failf("websocket subprotocol \"{}\" is given twice; remove one", *it);
        }
    }
    return {};
}

Result<> CheckExtraHeaders(const Headers& headers) {
    for (const auto& [name, value] : headers) {
        if (!IsHttpToken(name)) {
            return Failf("request header name \"{}\" is not valid: letters, digits and !#$%&'*+-.^_`|~ only",
                         name);
        }
        if (!IsHeaderValue(value)) {
            return Failf(
                "request header {} has a line end or another control character in its value; remove it",
                name);
        }
        const std::string& header = name;
        const auto own = [&header](std::string_view other) { return EqualsIgnoreCase(header, other); };
        if (std::any_of(kOwnHeaders.begin(), kOwnHeaders.end(), own)) {
            return Failf("request header {} belongs to the WebSocket handshake; remove it", name);
        }
        if (EqualsIgnoreCase(name, "Host")) {
            HAUMEA_TRY_VOID(CheckHost(TrimSpace(value)));
        }
    }
    return {};
}

struct ClientHandshake::Impl {
    explicit Impl(HttpHeadLimits limits)
        : reader(HttpHeadReader::Kind::kResponse, limits), interim_left(limits.max_head_bytes) {}

    void Fail(Step why, std::string text) {
        state = State::kFailed;
        step = why;
        failure = std::move(text);
    }
    void CheckAnswer();
    void CheckSubprotocol();

    HttpHeadReader reader;
    size_t interim_left;  // bytes that interim responses may still take
    std::string request_bytes;
    std::string key;
    std::vector<std::string> subprotocols;
    bool subprotocol_required = false;
    ClientDeflateOffer offer;

    State state = State::kReading;
    Step step = Step::kNotHttp;
    std::string failure;
    std::string subprotocol;
    DeflateParams deflate;
};

ClientHandshake::ClientHandshake(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
ClientHandshake::ClientHandshake(ClientHandshake&&) noexcept = default;
ClientHandshake& ClientHandshake::operator=(ClientHandshake&&) noexcept = default;
ClientHandshake::~ClientHandshake() = default;

Result<ClientHandshake> ClientHandshake::Make(ClientRequest request, HttpHeadLimits limits) {
    HAUMEA_TRY_VOID(CheckHost(request.host));
    HAUMEA_TRY_VOID(CheckExtraHeaders(request.headers));
    HAUMEA_TRY(const std::string target, EncodeTarget(request.target));
    auto impl = std::make_unique<Impl>(limits);
    impl->key = EncodeNonce(request.nonce);
    impl->offer = request.deflate;
    impl->subprotocol_required = !request.subprotocols.empty();
    impl->subprotocols = std::move(request.subprotocols);
    std::string host = request.host;
    std::string extra;
    for (const auto& [name, value] : request.headers) {
        if (EqualsIgnoreCase(name, "Host")) {
            host = TrimSpace(value);
        } else if (EqualsIgnoreCase(name, "Sec-WebSocket-Protocol")) {
            AddSubprotocols(value, impl->subprotocols);
        } else {
            extra += fmt::format("{}: {}\r\n", name, TrimSpace(value));
        }
    }
    HAUMEA_TRY_VOID(CheckSubprotocols(impl->subprotocols));
    std::string& out = impl->request_bytes;
    out = fmt::format(
        "GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: "
        "{}\r\n"
        "Sec-WebSocket-Version: 13\r\n",
        target, host, impl->key);
    if (!impl->subprotocols.empty()) {
        out += fmt::format("Sec-WebSocket-Protocol: {}\r\n", fmt::join(impl->subprotocols, ", "));
    }
    if (const std::string offer = MakeDeflateOffer(impl->offer); !offer.empty()) {
        out += fmt::format("Sec-WebSocket-Extensions: {}\r\n", offer);
    }
    out += extra;
    out += "\r\n";
    return ClientHandshake(std::move(impl));
}

size_t ClientHandshake::Feed(std::string_view bytes) {
    size_t taken = 0;
    while (impl_->state == State::kReading && taken < bytes.size()) {
        const size_t now = impl_->reader.Feed(bytes.substr(taken));
        taken += now;
        switch (impl_->reader.state()) {
            case HttpHeadReader::State::kReading:
                break;
            case HttpHeadReader::State::kBad:
                impl_->Fail(
                    Step::kNotHttp,
                    impl_->reader.head_bytes() == 0 && LooksLikeTls(bytes.substr(taken))
                        ? "the server answers in TLS; set scheme: wss"
                        : fmt::format("the server's answer cannot be read: {}", impl_->reader.problem()));
                break;
            case HttpHeadReader::State::kTooLarge:
                impl_->Fail(Step::kTooLarge,
                            fmt::format("the server's answer is refused: {}", impl_->reader.problem()));
                break;
            case HttpHeadReader::State::kDone:
                impl_->CheckAnswer();
                break;
        }
    }
    return taken;
}

void ClientHandshake::Impl::CheckAnswer() {
    const HttpHead& head = reader.head();
    if (head.status >= 100 && head.status < 200 && head.status != 101) {
        // RFC 9110 15.2: interim responses may precede the answer. Their bytes count together.
        const size_t size = reader.head_bytes();
        if (size >= interim_left) {
            Fail(Step::kTooLarge, "the server's answer is refused: too many interim responses");
            return;
        }
        interim_left -= size;
        reader.Reset();
        return;
    }
    if (head.status != 101) {
        std::string text =
            fmt::format("the server answered HTTP {}{}{} instead of 101 Switching Protocols", head.status,
                        head.status_text.empty() ? "" : " ", Printable(head.status_text));
        if (const HeaderField* location = head.Find("Location");
            location != nullptr && head.status / 100 == 3) {
            text += fmt::format(" (it points to {}; redirects are not followed)", Printable(location->value));
        }
        Fail(Step::kHttpStatus, std::move(text));
        return;
    }
    // RFC 6455 4.1, what a client checks.
    const HeaderField* upgrade = head.Find("Upgrade");
    if (head.minor_version < 1) {
        Fail(Step::kUpgrade, "the server answered 101 in HTTP/1.0");
    } else if (head.Count("Upgrade") != 1 || !EqualsIgnoreCase(upgrade->value, "websocket")) {
        Fail(Step::kUpgrade, "the server's answer lacks the header \"Upgrade: websocket\"");
    } else if (!head.HasListToken("Connection", "Upgrade")) {
        Fail(Step::kUpgrade, "the server's answer lacks the header \"Connection: Upgrade\"");
    } else if (head.Count("Sec-WebSocket-Accept") != 1 ||
               head.Find("Sec-WebSocket-Accept")->value != AcceptKey(key)) {
        Fail(Step::kUpgrade,
             "the server's Sec-WebSocket-Accept does not answer our key; is it a cache or another service?");
    } else {
        CheckSubprotocol();
    }
    if (state == State::kFailed) {
        return;
    }
    AcceptedDeflate accepted;  // none: declined
    if (head.Find("Sec-WebSocket-Extensions") != nullptr) {
        accepted = CheckDeflateAnswer(head.Joined("Sec-WebSocket-Extensions"), offer);
    }
    if (accepted.problem != nullptr) {
        Fail(Step::kUpgrade,
             fmt::format("the server's answer to our extensions is wrong: {}", accepted.problem));
        return;
    }
    deflate = accepted.params;
    state = State::kOpen;
}

void ClientHandshake::Impl::CheckSubprotocol() {
    const size_t count = reader.head().Count("Sec-WebSocket-Protocol");
    if (count == 0) {
        if (subprotocol_required) {
            Fail(Step::kUpgrade, fmt::format("the server has chosen none of the subprotocols offered: {}",
                                             fmt::join(subprotocols, ", ")));
        }
        return;
    }
    const std::string_view chosen = reader.head().Find("Sec-WebSocket-Protocol")->value;
    if (count > 1 || std::find(subprotocols.begin(), subprotocols.end(), chosen) == subprotocols.end()) {
        Fail(Step::kUpgrade, fmt::format("the server chose the subprotocol \"{}\", which was not offered",
                                         Printable(chosen)));
        return;
    }
    subprotocol = chosen;
}

const std::string& ClientHandshake::request_bytes() const noexcept { return impl_->request_bytes; }
ClientHandshake::State ClientHandshake::state() const noexcept { return impl_->state; }
const std::string& ClientHandshake::subprotocol() const noexcept { return impl_->subprotocol; }
const DeflateParams& ClientHandshake::deflate() const noexcept { return impl_->deflate; }
ClientHandshake::Step ClientHandshake::step() const noexcept { return impl_->step; }
int ClientHandshake::http_status() const noexcept { return impl_->reader.head().status; }
const std::string& ClientHandshake::failure() const noexcept { return impl_->failure; }
const HttpHead* ClientHandshake::response() const noexcept {
    return impl_->reader.state() == HttpHeadReader::State::kDone ? &impl_->reader.head() : nullptr;
}

}  // namespace haumea::ws
