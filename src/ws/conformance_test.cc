#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "ws/frame_parser.h"

// Runs test/conformance/rfc6455/*.case; the format is described in the README there.

namespace haumea::ws {
namespace {

struct Case {
    std::string where;  // file:line
    std::string name;
    Role role = Role::kServer;
    ParserLimits limits;
    DeflateParams deflate;
    std::string input;
    std::vector<std::string> expected;
    std::optional<std::string> output;
};

int HexDigit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return -1;
}

// The byte notation: hex digits, "text", N*XX, key{ … }, <first payload>. Throws a message on bad notation.
class ByteReader {
  public:
    // `key`: what masks the frames written as <…>; null when they are not masked.
    explicit ByteReader(std::string_view text, const MaskKey* key = nullptr) : rest_(text), key_(key) {}

    // Up to `end`, or to the end of the text.
    std::string Read(char end = '\0') {
        std::string out;
        while (true) {
            SkipSpace();
            if (rest_.empty()) {
                if (end != '\0') {
                    throw std::runtime_error(std::string("missing ") + end);
                }
                return out;
            }
            if (rest_.front() == end) {
                rest_.remove_prefix(1);
                return out;
            }
            out += ReadItem();
        }
    }

  private:
    void SkipSpace() {
        while (!rest_.empty() && rest_.front() == ' ') {
            rest_.remove_prefix(1);
        }
    }
    std::string ReadItem() {
        if (rest_.front() == '"') {
            const size_t end = rest_.find('"', 1);
            if (end == std::string_view::npos) {
                throw std::runtime_error("missing \"");
            }
            std::string text(rest_.substr(1, end - 1));
            rest_.remove_prefix(end + 1);
            return text;
        }
        if (rest_.front() == '<') {
            rest_.remove_prefix(1);
            return MakeFrame(Read('>'));
        }
        const size_t word_end = std::min(rest_.find_first_of(" }<>"), rest_.size());
        if (const size_t star = rest_.substr(0, word_end).find('*'); star != std::string_view::npos) {
            size_t count = 0;
            std::from_chars(rest_.data(), rest_.data() + star, count);
            rest_.remove_prefix(star + 1);
            const std::string unit = ReadItem();
            std::string out;
            for (size_t i = 0; i < count; ++i) {
                out += unit;
            }
            return out;
        }
        std::string bytes;
        while (rest_.size() >= 2 && HexDigit(rest_[0]) >= 0 && HexDigit(rest_[1]) >= 0) {
            bytes += static_cast<char>(HexDigit(rest_[0]) * 16 + HexDigit(rest_[1]));
            rest_.remove_prefix(2);
        }
        if (bytes.empty()) {
            throw std::runtime_error("bad bytes at: " + std::string(rest_.substr(0, 20)));
        }
        if (!rest_.empty() && rest_.front() == '{') {
            if (bytes.size() != 4) {
                throw std::runtime_error("a masking key has 4 bytes");
            }
            rest_.remove_prefix(1);
            std::string payload = Read('}');
            for (size_t i = 0; i < payload.size(); ++i) {
                payload[i] = static_cast<char>(payload[i] ^ bytes[i % 4]);
            }
            bytes += payload;
        }
        return bytes;
    }

    // Written out here and not by the code under test: first byte, shortest length, key, masked payload.
    std::string MakeFrame(std::string_view content) const {
        if (content.empty()) {
            throw std::runtime_error("a frame has a first byte");
        }
        std::string out(1, content.front());
        std::string payload(content.substr(1));
        const size_t size = payload.size();
        const int length_bytes = size < 126 ? 0 : (size <= 0xFFFF ? 2 : 8);
        const size_t length = length_bytes == 0 ? size : (length_bytes == 2 ? 126 : 127);
        out += static_cast<char>(length | (key_ != nullptr ? 0x80U : 0U));
        for (int i = length_bytes - 1; i >= 0; --i) {
            out += static_cast<char>(size >> (8U * static_cast<unsigned>(i)));
        }
        if (key_ != nullptr) {
            out.append(reinterpret_cast<const char*>(key_->data()), key_->size());
            for (size_t i = 0; i < size; ++i) {
                payload[i] = static_cast<char>(payload[i] ^ (*key_)[i % 4]);
            }
        }
        return out + payload;
    }

    std::string_view rest_;
    const MaskKey* key_;
};

constexpr MaskKey kPeerKey = {0x37, 0xfa, 0x21, 0x3d};
constexpr MaskKey kOwnKey = {};

uint64_t Number(const std::string& text) { return std::stoull(text); }

void ReadDeflate(std::istringstream& words, DeflateParams& params) {
    params.enabled = true;
    for (std::string word; words >> word;) {
        const size_t equals = word.find('=');
        const std::string name = word.substr(0, equals);
        if (name == "client_no_context_takeover") {
            params.client_no_context_takeover = true;
        } else if (name == "server_no_context_takeover") {
            params.server_no_context_takeover = true;
        } else if (name == "client_max_window_bits") {
            params.client_max_window_bits = static_cast<uint8_t>(Number(word.substr(equals + 1)));
        } else if (name == "server_max_window_bits") {
            params.server_max_window_bits = static_cast<uint8_t>(Number(word.substr(equals + 1)));
        } else {
            throw std::runtime_error("unknown deflate parameter " + word);
        }
    }
}

std::string Quote(std::string_view bytes) {
    static constexpr char kHex[] = "0123456789abcdef";
    std::string out;
    for (const char c : bytes.substr(0, 64)) {
        const auto byte = static_cast<unsigned char>(c);
        out += kHex[byte >> 4U];
        out += kHex[byte & 15U];
    }
    return out + (bytes.size() > 64 ? "... of " + std::to_string(bytes.size()) : "") + " #" +
           std::to_string(std::hash<std::string_view>()(bytes));
}

// "text <bytes>" in a form that compares.
std::string ReadExpectation(std::string_view line) {
    const size_t space = line.find(' ');
    const std::string kind(line.substr(0, space));
    std::string_view rest = space == std::string_view::npos ? std::string_view() : line.substr(space + 1);
    std::string code;
    if (kind == "close" || kind == "error") {
        const size_t end = std::min(rest.find(' '), rest.size());
        code = " " + std::string(rest.substr(0, end));
        rest.remove_prefix(end);
    }
    if (kind == "error") {
        return kind + code;
    }
    return kind + code + " " + Quote(ByteReader(rest).Read());
}

// The cases of a file that are for `role`; those for both roles are read twice.
std::vector<Case> ReadFile(const std::filesystem::path& path, Role role) {
    std::vector<Case> cases;
    const auto drop_other = [&cases, role] {
        if (!cases.empty() && cases.back().role != role) {
            cases.pop_back();
        }
    };
    std::ifstream file(path);
    std::string line;
    for (int number = 1; std::getline(file, line); ++number) {
        if (line.empty() || line.front() == '#') {
            continue;
        }
        const std::string where = path.filename().string() + ":" + std::to_string(number);
        try {
            const size_t space = line.find(' ');
            const std::string verb = line.substr(0, space);
            const std::string rest = space == std::string::npos ? "" : line.substr(space + 1);
            std::istringstream words(rest);
            if (verb == "case") {
                drop_other();
                cases.emplace_back();
                cases.back().where = where + (role == Role::kClient ? " (client)" : " (server)");
                cases.back().name = rest;
                continue;
            }
            Case& current = cases.at(cases.size() - 1);
            if (verb == "role") {
                current.role = rest == "both" ? role : (rest == "client" ? Role::kClient : Role::kServer);
            } else if (verb == "max_message_bytes") {
                current.limits.max_message_bytes = Number(rest);
            } else if (verb == "max_fragments") {
                current.limits.max_fragments = Number(rest);
            } else if (verb == "deflate") {
                ReadDeflate(words, current.deflate);
            } else if (verb == "in") {
                current.input += ByteReader(rest, current.role == Role::kServer ? &kPeerKey : nullptr).Read();
            } else if (verb == "expect") {
                current.expected.push_back(ReadExpectation(rest));
            } else if (verb == "out") {
                current.output = current.output.value_or("") +
                                 ByteReader(rest, current.role == Role::kClient ? &kOwnKey : nullptr).Read();
            } else {
                throw std::runtime_error("unknown word " + verb);
            }
        } catch (const std::exception& e) {
            ADD_FAILURE() << where << ": " << e.what();
        }
    }
    drop_other();
    return cases;
}

// What an endpoint has to send by itself: a pong, the answer to a close, the close after an error.
void Answer(const FrameEvent& event, Role role, std::string& out) {
    const MaskKey* key = role == Role::kClient ? &kOwnKey : nullptr;
    if (event.kind == FrameEvent::Kind::kPing) {
        out += MakeControlFrame(Opcode::kPong, event.payload.view(), key).view();
    } else if (event.kind == FrameEvent::Kind::kClose || event.kind == FrameEvent::Kind::kError) {
        out += MakeCloseFrame(event.code, {}, key).view();
    }
}

std::string Describe(const FrameEvent& event) {
    const std::string bytes = Quote(event.payload.view());
    switch (event.kind) {
        case FrameEvent::Kind::kText:
            return "text " + bytes;
        case FrameEvent::Kind::kBinary:
            return "binary " + bytes;
        case FrameEvent::Kind::kPing:
            return "ping " + bytes;
        case FrameEvent::Kind::kPong:
            return "pong " + bytes;
        case FrameEvent::Kind::kClose:
            return "close " + std::to_string(ToNumber(event.code)) + " " + bytes;
        case FrameEvent::Kind::kError:
            return "error " + std::to_string(ToNumber(event.code));
    }
    return "?";
}

struct Outcome {
    std::vector<std::string> events;
    std::string output;
};

// Feeds the input cut at the given places. Every piece lies in an allocation of its exact size, so that a
// look beyond its end is noticed by the address sanitizer.
Outcome Run(const Case& test, const std::vector<size_t>& cuts) {
    FrameParser parser(test.role, test.limits, test.deflate);
    Outcome outcome;
    FrameEvent event;
    size_t begin = 0;
    for (size_t i = 0; i <= cuts.size(); ++i) {
        const size_t end = i == cuts.size() ? test.input.size() : cuts[i];
        const size_t size = end - begin;
        const auto piece = std::make_unique<char[]>(size);
        std::copy_n(test.input.data() + begin, size, piece.get());
        parser.Feed({piece.get(), size});
        while (parser.Next(event)) {
            outcome.events.push_back(Describe(event));
            Answer(event, test.role, outcome.output);
        }
        begin = end;
    }
    return outcome;
}

void Check(const Case& test, const std::vector<size_t>& cuts, const char* how) {
    const Outcome outcome = Run(test, cuts);
    const std::string at = cuts.empty() ? "" : " at " + std::to_string(cuts.front());
    ASSERT_EQ(outcome.events, test.expected) << test.where << " " << test.name << ", fed " << how << at;
    if (test.output) {
        ASSERT_EQ(Quote(outcome.output), Quote(*test.output))
            << test.where << " " << test.name << ", fed " << how << at;
    }
}

std::vector<Case> ReadAll() {
    std::vector<Case> all;
    const std::filesystem::path folder =
        std::filesystem::path(HAUMEA_SOURCE_DIR) / "test/conformance/rfc6455";
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() == ".case") {
            files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    for (const auto& file : files) {
        for (const Role role : {Role::kServer, Role::kClient}) {
            for (Case& test : ReadFile(file, role)) {
                all.push_back(std::move(test));
            }
        }
    }
    return all;
}

TEST(Conformance, CorpusIsLargeAndItsNamesAreUnique) {
    std::vector<std::string> names;
    size_t for_client = 0;
    for (const Case& test : ReadAll()) {
        EXPECT_FALSE(test.expected.empty() && test.output) << test.where;
        const bool client = test.role == Role::kClient;
        for_client += client ? 1 : 0;
        names.push_back(test.name.substr(0, test.name.find(' ')) + (client ? " client" : " server"));
    }
    EXPECT_GE(names.size(), 400U);
    EXPECT_GE(for_client, 200U);
    std::sort(names.begin(), names.end());
    const auto twice = std::adjacent_find(names.begin(), names.end());
    EXPECT_EQ(twice, names.end()) << *twice;
}

TEST(Conformance, WholeInput) {
    for (const Case& test : ReadAll()) {
        Check(test, {}, "whole");
    }
}

TEST(Conformance, EverySplitPoint) {
    for (const Case& test : ReadAll()) {
        // Long inputs are cut at the interesting ends and at a few hundred places between.
        const size_t size = test.input.size();
        const size_t step = std::max<size_t>(1, size / 300);
        for (size_t cut = 1; cut < size; cut += cut < 300 || size - cut < 300 ? 1 : step) {
            Check(test, {cut}, "in two pieces cut");
        }
    }
}

TEST(Conformance, ByteByByte) {
    for (const Case& test : ReadAll()) {
        std::vector<size_t> cuts;
        for (size_t cut = 1; cut < test.input.size(); ++cut) {
            cuts.push_back(cut);
        }
        Check(test, cuts, "byte by byte, first cut");
    }
}

TEST(Conformance, PiecesOfThreeAndSeven) {
    for (const Case& test : ReadAll()) {
        std::vector<size_t> cuts;
        for (size_t cut = 3; cut < test.input.size(); cut += cuts.size() % 2 == 0 ? 7 : 3) {
            cuts.push_back(cut);
        }
        Check(test, cuts, "in pieces of 3 and 7, first cut");
    }
}

}  // namespace
}  // namespace haumea::ws
