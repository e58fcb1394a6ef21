#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "ws/client_handshake.h"
#include "ws/handshake.h"

// Runs test/conformance/rfc6455/*.handshake; the format is described in the README there.

namespace haumea::ws {
namespace {

using Lines = std::vector<std::string>;

// Of RFC 6455 1.2 and 1.3, whose nonce is the text "the sample nonce".
const Lines kBaseRequest = {"GET /chat HTTP/1.1",
                            "Host: server.example.com",
                            "Upgrade: websocket",
                            "Connection: Upgrade",
                            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                            "Sec-WebSocket-Version: 13"};
const Lines kBaseAnswer = {"HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
                           "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="};
constexpr std::string_view kNonce = "the sample nonce";

struct Case {
    enum class Kind : uint8_t { kServer, kClient, kRequest };

    std::string where;  // file:line
    std::string name;
    Kind kind = Kind::kServer;
    HttpHeadLimits limits;
    AcceptOptions accept;   // kServer
    ClientRequest request;  // kClient, kRequest
    Lines head;
    std::string raw;     // in place of `head` when not empty
    std::string behind;  // what follows the head
    std::string expect;
    std::string agreed;  // "subprotocol; deflate parameters"
    Lines says;          // parts of the answer or failure, in order of the file
    Lines lacks;

    std::string Input() const {
        std::string text = raw;
        if (text.empty()) {
            for (const std::string& line : head) {
                text += line + "\r\n";
            }
            text += "\r\n";
        }
        return text;
    }
};

std::string Unescape(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text.substr(i, 2) == "\\x" && i + 3 < text.size()) {
            out += static_cast<char>(std::stoi(std::string(text.substr(i + 2, 2)), nullptr, 16));
            i += 3;
        } else {
            out += text[i];
        }
    }
    return out;
}

// "3*abc" is abcabcabc.
std::string Repeat(std::string text) {
    const size_t star = text.find('*');
    if (star == std::string::npos || star == 0 ||
        !std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(star),
                     [](char c) { return c >= '0' && c <= '9'; })) {
        return text;
    }
    const int count = std::stoi(text);
    std::string out;
    for (int i = 0; i < count; ++i) {
        out += text.substr(star + 1);
    }
    return out;
}

std::string NameOf(std::string_view line) { return std::string(line.substr(0, line.find(':'))); }

void Drop(Lines& head, std::string_view name) {
    std::erase_if(head, [name](const std::string& line) { return EqualsIgnoreCase(NameOf(line), name); });
}

// What both ends agreed on, in one line.
std::string Agreed(const std::string& subprotocol, const DeflateParams& deflate) {
    std::string text = subprotocol.empty() ? "-" : subprotocol;
    if (!deflate.enabled) {
        return text + "; -";
    }
    return text + fmt::format("; deflate server={}{} client={}{}", deflate.server_max_window_bits,
                              deflate.server_no_context_takeover ? "f" : "", deflate.client_max_window_bits,
                              deflate.client_no_context_takeover ? "f" : "");
}

void ReadWords(std::istringstream& words, std::vector<std::string>& out) {
    for (std::string word; words >> word;) {
        out.push_back(word);
    }
}

uint8_t Bits(const std::string& word) {
    return static_cast<uint8_t>(std::stoi(word.substr(word.find('=') + 1)));
}

// A word of the line `deflate`: what our end wants.
void ReadDeflate(std::istringstream& words, Case& test) {
    ServerDeflatePolicy& policy = test.accept.deflate;
    ClientDeflateOffer& offer = test.request.deflate;
    policy.enabled = offer.enabled = true;
    for (std::string word; words >> word;) {
        if (word == "client_no_context_takeover") {
            policy.client_no_context_takeover = offer.client_no_context_takeover = true;
        } else if (word == "server_no_context_takeover") {
            offer.server_no_context_takeover = true;
        } else if (word == "server_keeps_context") {
            policy.server_no_context_takeover = false;
        } else if (word.starts_with("server_bits=")) {
            policy.server_window_bits = offer.server_max_window_bits = Bits(word);
        } else if (word.starts_with("client_bits=")) {
            policy.client_window_bits = offer.client_max_window_bits = Bits(word);
        } else if (word.starts_with("min_server_bits=")) {
            policy.min_server_window_bits = Bits(word);
        } else {
            throw std::runtime_error("unknown deflate word " + word);
        }
    }
}

void ReadLine(const std::string& verb, const std::string& rest, Case& test) {
    std::istringstream words(rest);
    if (verb == "role") {
        test.kind = rest == "client"    ? Case::Kind::kClient
                    : rest == "request" ? Case::Kind::kRequest
                                        : Case::Kind::kServer;
        test.head = test.kind == Case::Kind::kClient ? kBaseAnswer : kBaseRequest;
    } else if (verb == "first") {
        test.head[0] = Unescape(rest);
    } else if (verb == "set") {
        Drop(test.head, NameOf(rest));
        test.head.push_back(Unescape(rest));
    } else if (verb == "add") {
        test.head.push_back(Unescape(rest));
    } else if (verb == "drop") {
        Drop(test.head, rest);
    } else if (verb == "fill") {
        test.head.push_back(NameOf(rest) + ": " +
                            Repeat(std::string(TrimSpace(rest.substr(rest.find(':') + 1)))));
    } else if (verb == "lines") {
        const size_t star = rest.find('*');
        for (int i = std::stoi(rest); i > 0; --i) {
            test.head.push_back(rest.substr(star + 1));
        }
    } else if (verb == "raw") {
        test.raw += Unescape(rest);
    } else if (verb == "behind") {
        test.behind += Unescape(rest);
    } else if (verb == "max_head") {
        test.limits.max_head_bytes = std::stoul(rest);
    } else if (verb == "max_line") {
        test.limits.max_line_bytes = std::stoul(rest);
    } else if (verb == "max_headers") {
        test.limits.max_headers = std::stoul(rest);
    } else if (verb == "subprotocols") {
        ReadWords(words, test.accept.subprotocols);
        test.request.subprotocols = test.accept.subprotocols;
    } else if (verb == "deflate") {
        ReadDeflate(words, test);
    } else if (verb == "target") {
        test.request.target = Unescape(rest);
    } else if (verb == "host") {
        test.request.host = Unescape(rest);
    } else if (verb == "header") {
        test.request.headers.emplace_back(Unescape(NameOf(rest)), Unescape(rest.substr(rest.find(':') + 2)));
    } else if (verb == "expect") {
        test.expect = rest;
    } else if (verb == "agreed") {
        test.agreed = rest;
    } else if (verb == "says") {
        test.says.push_back(rest);
    } else if (verb == "lacks") {
        test.lacks.push_back(rest);
    } else {
        throw std::runtime_error("unknown word " + verb);
    }
}

std::vector<Case> ReadAll() {
    const std::filesystem::path folder =
        std::filesystem::path(HAUMEA_SOURCE_DIR) / "test/conformance/rfc6455";
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() == ".handshake") {
            files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    std::vector<Case> cases;
    for (const auto& path : files) {
        std::ifstream file(path);
        std::string line;
        for (int number = 1; std::getline(file, line); ++number) {
            if (line.empty() || line.front() == '#') {
                continue;
            }
            const size_t space = line.find(' ');
            const std::string verb = line.substr(0, space);
            const std::string rest = space == std::string::npos ? "" : line.substr(space + 1);
            const std::string where = path.filename().string() + ":" + std::to_string(number);
            if (verb == "case") {
                cases.emplace_back();
                cases.back().where = where;
                cases.back().name = rest;
                cases.back().request.host = "server.example.com";
                cases.back().request.target = "/chat";
                cases.back().head = kBaseRequest;
                std::copy(kNonce.begin(), kNonce.end(), cases.back().request.nonce.begin());
                continue;
            }
            try {
                ReadLine(verb, rest, cases.at(cases.size() - 1));
            } catch (const std::exception& e) {
                ADD_FAILURE() << where << ": " << e.what();
            }
        }
    }
    return cases;
}

struct Outcome {
    std::string result;
    std::string agreed;
    std::string text;  // our answer, or why our client gave up
    size_t taken = 0;

    bool operator==(const Outcome&) const = default;
};

// Feeds `input` in pieces that begin at the cuts; what has been decided takes no more.
template <typename Feed>
size_t FeedPieces(std::string_view input, const std::vector<size_t>& cuts, const Feed& feed) {
    size_t taken = 0;
    size_t begin = 0;
    for (size_t i = 0; i <= cuts.size(); ++i) {
        const size_t end = i == cuts.size() ? input.size() : cuts[i];
        const std::string piece(input.substr(begin, end - begin));
        taken += feed(piece);
        begin = end;
    }
    return taken;
}

Outcome RunServer(const Case& test, const std::vector<size_t>& cuts) {
    HttpHeadReader reader(HttpHeadReader::Kind::kRequest, test.limits);
    Outcome outcome;
    outcome.taken = FeedPieces(test.Input() + test.behind, cuts,
                               [&reader](std::string_view piece) { return reader.Feed(piece); });
    if (reader.state() == HttpHeadReader::State::kReading) {
        outcome.result = "waits";
        return outcome;
    }
    if (reader.state() != HttpHeadReader::State::kDone) {
        const Rejection rejection = RejectBadHead(reader);
        outcome = {std::to_string(rejection.status), "", rejection.response, 0};
        return outcome;
    }
    const UpgradeCheck check = CheckUpgrade(reader.head());
    if (check.rejection) {
        outcome = {std::to_string(check.rejection->status), "", check.rejection->response, 0};
        return outcome;
    }
    const AcceptedUpgrade accepted = AcceptUpgrade(check.request, test.accept);
    outcome.result = "101";
    outcome.agreed = Agreed(accepted.subprotocol, accepted.deflate);
    outcome.text =
        fmt::format("path: {}\r\nquery: {}\r\nhost: {}\r\norigin: {}\r\n{}", check.request.path,
                    check.request.query, check.request.host, check.request.origin, accepted.response);
    return outcome;
}

Outcome RunClient(const Case& test, const std::vector<size_t>& cuts) {
    Outcome outcome;
    auto handshake = ClientHandshake::Make(test.request, test.limits);
    if (!handshake) {
        outcome.result = "cannot ask: " + handshake.error().message;
        return outcome;
    }
    outcome.taken = FeedPieces(test.Input() + test.behind, cuts,
                               [&handshake](std::string_view piece) { return handshake->Feed(piece); });
    switch (handshake->state()) {
        case ClientHandshake::State::kReading:
            outcome.result = "waits";
            break;
        case ClientHandshake::State::kOpen:
            outcome.result = "open";
            outcome.agreed = Agreed(handshake->subprotocol(), handshake->deflate());
            break;
        case ClientHandshake::State::kFailed: {
            static constexpr const char* kSteps[] = {"not-http", "too-large", "status", "upgrade"};
            outcome.result = std::string("fails ") + kSteps[static_cast<size_t>(handshake->step())];
            outcome.text = handshake->failure();
            outcome.taken = 0;
            break;
        }
    }
    return outcome;
}

Outcome RunRequest(const Case& test) {
    Outcome outcome;
    const auto handshake = ClientHandshake::Make(test.request);
    if (handshake) {
        outcome.result = "sent";
        outcome.text = handshake->request_bytes();
    } else {
        outcome.result = "refused";
        outcome.text = handshake.error().message;
    }
    return outcome;
}

Outcome Play(const Case& test, const std::vector<size_t>& cuts = {}) {
    switch (test.kind) {
        case Case::Kind::kServer:
            return RunServer(test, cuts);
        case Case::Kind::kClient:
            return RunClient(test, cuts);
        case Case::Kind::kRequest:
            break;
    }
    return RunRequest(test);
}

bool IsSuccess(std::string_view result) { return result == "101" || result == "open"; }

TEST(HandshakeConformance, CorpusIsLargeAndItsNamesAreUnique) {
    std::vector<std::string> names;
    for (const Case& test : ReadAll()) {
        EXPECT_FALSE(test.expect.empty()) << test.where;
        EXPECT_EQ(IsSuccess(test.expect), !test.agreed.empty()) << test.where << " agreed goes with success";
        names.push_back(test.name.substr(0, test.name.find(' ')));
    }
    EXPECT_GE(names.size(), 150U);
    std::sort(names.begin(), names.end());
    const auto twice = std::adjacent_find(names.begin(), names.end());
    EXPECT_EQ(twice, names.end()) << *twice;
}

TEST(HandshakeConformance, OutcomeOfEveryCase) {
    for (const Case& test : ReadAll()) {
        const Outcome outcome = Play(test);
        EXPECT_EQ(outcome.result, test.expect) << test.where << " " << test.name << ": " << outcome.text;
        EXPECT_EQ(outcome.agreed, test.agreed) << test.where << " " << test.name;
        if (IsSuccess(test.expect)) {
            EXPECT_EQ(outcome.taken, test.Input().size())
                << test.where << " " << test.name << ": frames begin behind the head";
        }
        for (const std::string& part : test.says) {
            EXPECT_NE(outcome.text.find(part), std::string::npos)
                << test.where << " " << test.name << " does not say: " << part << "\n"
                << outcome.text;
        }
        for (const std::string& part : test.lacks) {
            EXPECT_EQ(outcome.text.find(part), std::string::npos)
                << test.where << " " << test.name << " says: " << part << "\n"
                << outcome.text;
        }
    }
}

TEST(HandshakeConformance, SameOutcomeAtEverySplitPointAndByteByByte) {
    for (const Case& test : ReadAll()) {
        if (test.kind == Case::Kind::kRequest) {
            continue;
        }
        const Outcome whole = Play(test);
        const size_t size = test.Input().size() + test.behind.size();
        const size_t step = std::max<size_t>(1, size / 600);
        for (size_t cut = 1; cut < size; cut += cut < 300 || size - cut < 300 ? 1 : step) {
            ASSERT_EQ(Play(test, {cut}), whole) << test.where << " " << test.name << " cut at " << cut;
        }
        std::vector<size_t> all;
        for (size_t cut = 1; cut < size; ++cut) {
            all.push_back(cut);
        }
        ASSERT_EQ(Play(test, all), whole) << test.where << " " << test.name << " byte by byte";
    }
}

// A 101 is decided by every line of it: without its last byte the client still waits.
TEST(HandshakeConformance, NothingIsDecidedBeforeTheLastByteOfAGoodHead) {
    for (const Case& test : ReadAll()) {
        if (!IsSuccess(test.expect)) {
            continue;
        }
        Case cut = test;
        cut.raw = test.Input();
        cut.raw.pop_back();
        cut.behind.clear();
        EXPECT_EQ(Play(cut).result, "waits") << test.where << " " << test.name;
    }
}

}  // namespace
}  // namespace haumea::ws
