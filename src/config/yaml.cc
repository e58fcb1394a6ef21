#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <cmath>
#include <limits>
#include <sstream>

#include "config/node.h"

namespace haumea::config {
namespace {

constexpr int kMaxDepth = 200;
// Anchors let a short text describe an endless tree; the tree is what is bounded.
constexpr size_t kMaxNodes = 100'000;
constexpr size_t kMaxTextBytes = 4U << 20U;

bool OneOf(std::string_view text, std::initializer_list<std::string_view> words) {
    return std::find(words.begin(), words.end(), text) != words.end();
}

// YAML 1.2, 10.3.2: tag resolution of the core schema for plain scalars.
Node ResolvePlain(const std::string& text) {
    if (OneOf(text, {"", "~", "null", "Null", "NULL"})) {
        return {};
    }
    if (OneOf(text, {"true", "True", "TRUE"})) {
        return Node(true);
    }
    if (OneOf(text, {"false", "False", "FALSE"})) {
        return Node(false);
    }
    const char* end = text.data() + text.size();
    if (text.starts_with("0x") || text.starts_with("0o")) {
        int64_t value = 0;
        const auto parsed = std::from_chars(text.data() + 2, end, value, text[1] == 'x' ? 16 : 8);
        const bool whole = parsed.ec == std::errc() && parsed.ptr == end && text[2] != '-';
        return whole ? Node(value) : Node(text);
    }
    const std::string_view unsigned_text =
        std::string_view(text).substr(text[0] == '-' || text[0] == '+' ? 1 : 0);
    if (OneOf(unsigned_text, {".inf", ".Inf", ".INF"})) {
        const double infinity = std::numeric_limits<double>::infinity();
        return Node(text[0] == '-' ? -infinity : infinity);
    }
    if (OneOf(text, {".nan", ".NaN", ".NAN"})) {
        return Node(std::numeric_limits<double>::quiet_NaN());
    }
    const bool digits = !unsigned_text.empty() &&
                        unsigned_text.find_first_not_of("0123456789.eE+-") == std::string_view::npos &&
                        unsigned_text.find_first_of("0123456789") <= 1 && unsigned_text[0] != '-' &&
                        unsigned_text[0] != '+' && unsigned_text[0] != 'e' && unsigned_text[0] != 'E';
    if (!digits) {
        return Node(text);
    }
    const char* begin = text.data() + (text[0] == '+' ? 1 : 0);
    int64_t whole = 0;
    if (const auto parsed = std::from_chars(begin, end, whole);
        parsed.ec == std::errc() && parsed.ptr == end) {
        return Node(whole);
    }
    double real = 0;
    if (const auto parsed = std::from_chars(begin, end, real);
        parsed.ec == std::errc() && parsed.ptr == end) {
        return Node(real);
    }
    return Node(text);
}

// For counting documents.
class IgnoreEvents final : public YAML::EventHandler {
    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
    void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
    void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
    void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                         YAML::EmitterStyle::value) override {}
    void OnSequenceEnd() override {}
    void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                    YAML::EmitterStyle::value) override {}
    void OnMapEnd() override {}
};

class YamlReader {
  public:
    Result<Node> Convert(const YAML::Node& yaml, int depth) {
        if (depth > kMaxDepth) {
            return Failf("line {}: nested deeper than {} levels", Line(yaml), kMaxDepth);
        }
        if (++nodes_ > kMaxNodes) {
            return Failf("more than {} values; anchors and aliases that multiply are not accepted",
                         kMaxNodes);
        }
        switch (yaml.Type()) {
            case YAML::NodeType::Undefined:
            case YAML::NodeType::Null:
                return Node();
            case YAML::NodeType::Scalar:
                return Scalar(yaml);
            case YAML::NodeType::Sequence: {
                Node::Array items;
                for (const YAML::Node& item : yaml) {
                    HAUMEA_TRY(Node converted, Convert(item, depth + 1));
                    items.push_back(std::move(converted));
                }
                return Node(std::move(items));
            }
            case YAML::NodeType::Map:
                return Map(yaml, depth);
        }
        return Node();
    }

  private:
    static int Line(const YAML::Node& yaml) { return yaml.Mark().line + 1; }

    static Node Scalar(const YAML::Node& yaml) {
        // yaml-cpp tags quoted and block scalars "!", plain ones "?".
        const std::string& tag = yaml.Tag();
        const bool plain = tag == "?" || tag.empty();
        return plain ? ResolvePlain(yaml.Scalar()) : Node(yaml.Scalar());
    }

    Result<Node> Map(const YAML::Node& yaml, int depth) {
        Node::Object members;
        std::unordered_map<std::string, size_t> places;
        for (const auto& member : yaml) {
            if (!member.first.IsScalar() && !member.first.IsNull()) {
                return Failf("line {}: a key must be a plain text", Line(member.first));
            }
            std::string key = member.first.IsNull() ? std::string("~") : member.first.Scalar();
            HAUMEA_TRY(Node value, Convert(member.second, depth + 1));
            if (key == "<<") {
                return Failf("line {}: merge keys (<<) are not supported; repeat the values",
                             Line(member.first));
            }
            const auto [place, added] = places.emplace(key, members.size());
            if (added) {
                members.emplace_back(std::move(key), std::move(value));
            } else {
                members[place->second].second = std::move(value);
            }
        }
        return Node(std::move(members));
    }

    size_t nodes_ = 0;
};

}  // namespace

Result<Node> ParseYaml(std::string_view text) {
    if (text.size() > kMaxTextBytes) {
        return Failf("a YAML text of {} bytes is too large: at most {} bytes", text.size(), kMaxTextBytes);
    }
    try {
        // Not YAML::LoadAll: some broken texts (",a: &b {|}") give it documents without end.
        const std::string owned(text);
        std::istringstream stream(owned);
        YAML::Parser parser(stream);
        IgnoreEvents ignore;
        if (parser.HandleNextDocument(ignore) && parser.HandleNextDocument(ignore)) {
            return Failf("more than one YAML document in one text; one is expected");
        }
        return YamlReader().Convert(YAML::Load(owned), 0);
    } catch (const YAML::Exception& e) {
        if (e.mark.is_null()) {
            return Failf("{}", e.msg);
        }
        return Failf("line {}, column {}: {}", e.mark.line + 1, e.mark.column + 1, e.msg);
    } catch (const std::exception& e) {
        return Failf("cannot be read as YAML: {}", e.what());
    }
}

}  // namespace haumea::config
