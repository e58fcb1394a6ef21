#include "config/schema.h"

#include <algorithm>
#include <utility>

namespace haumea::config {
namespace {

constexpr std::string_view kMask = "******";

char LowerAscii(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string Lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), LowerAscii);
    return out;
}

bool SameName(std::string_view a, std::string_view b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                              [](char x, char y) { return LowerAscii(x) == LowerAscii(y); });
}

// The value in an error message, short enough to read.
std::string Shown(const Node& node) {
    constexpr size_t kMax = 60;
    std::string text = ToJson(node, {.escape_html = false});
    if (text.size() > kMax) {
        text = text.substr(0, kMax) + "...";
    }
    return text;
}

std::string Joined(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words) {
        out += (out.empty() ? "" : ", ") + word;
    }
    return out;
}

// Number of single changes that make `b` of `a`; only small numbers matter.
size_t EditDistance(std::string_view a, std::string_view b) {
    std::vector<size_t> row(b.size() + 1);
    for (size_t j = 0; j <= b.size(); ++j) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a.size(); ++i) {
        size_t diagonal = std::exchange(row[0], i);
        for (size_t j = 1; j <= b.size(); ++j) {
            const size_t changed = diagonal + (LowerAscii(a[i - 1]) == LowerAscii(b[j - 1]) ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
        }
    }
    return row[b.size()];
}

// A text as a YAML scalar that reads back as a text.
std::string YamlScalar(const Node& value) {
    if (!value.is_string()) {
        return ToJson(value, {.escape_html = false});
    }
    const std::string& text = value.as_string();
    const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (LowerAscii(c) >= 'a' && LowerAscii(c) <= 'z') || c == '.' ||
               c == '_';
    });
    const auto read_back = plain ? ParseYaml(text) : Result<Node>(Node());
    return read_back && read_back->is_string() ? text : ToJson(value, {.escape_html = false});
}

}  // namespace

Field& Field::Doc(std::string text) {
    doc_ = std::move(text);
    return *this;
}
Field& Field::Min(int64_t lowest) {
    min_ = lowest;
    return *this;
}
Field& Field::Max(int64_t highest) {
    max_ = highest;
    return *this;
}
Field& Field::Values(std::vector<std::string> allowed) {
    values_ = std::move(allowed);
    return *this;
}
Field& Field::Secret() {
    secret_ = true;
    return *this;
}
Field& Field::Check(std::function<std::string(const Node&)> rule) {
    rule_ = std::move(rule);
    return *this;
}

std::string_view Field::type_name() const {
    switch (type_) {
        case ValueType::kBool:
            return "boolean";
        case ValueType::kInteger:
            return "integer";
        case ValueType::kText:
            return "text";
        case ValueType::kDuration:
            return "duration";
        case ValueType::kTextList:
            return "list of texts";
    }
    return "";
}

std::string Field::Constraint() const {
    if (!values_.empty()) {
        return "one of " + Joined(values_);
    }
    const auto number = [this](int64_t value) {
        return type_ == ValueType::kDuration ? FormatDuration({value}) : std::to_string(value);
    };
    const bool low = min_ != std::numeric_limits<int64_t>::min();
    const bool high = max_ != std::numeric_limits<int64_t>::max();
    if (low && high) {
        return number(min_) + " to " + number(max_);
    }
    return low ? "at least " + number(min_) : high ? "at most " + number(max_) : "";
}

Result<Node> Field::Accept(const Node& given) const {
    Node accepted = given;
    switch (type_) {
        case ValueType::kBool:
            if (!given.is_bool()) {
                return Failf("{} is no boolean: write true or false, without quotes", Shown(given));
            }
            break;
        case ValueType::kInteger:
        case ValueType::kDuration: {
            HAUMEA_TRY(accepted, AcceptInteger(given));
            break;
        }
        case ValueType::kText: {
            HAUMEA_TRY(accepted, AcceptText(given));
            break;
        }
        case ValueType::kTextList:
            if (given.is_string()) {
                accepted = Node(Node::Array{given});
            } else if (!given.is_array() || !std::all_of(given.array().begin(), given.array().end(),
                                                         [](const Node& item) { return item.is_string(); })) {
                return Failf("{} is no list of texts: write [a, b]", Shown(given));
            }
            break;
    }
    if (rule_) {
        if (const std::string wrong = rule_(accepted); !wrong.empty()) {
            return Fail(Error(wrong));
        }
    }
    return accepted;
}

Result<Node> Field::AcceptInteger(const Node& given) const {
    int64_t value = 0;
    if (type_ == ValueType::kDuration && given.is_string()) {
        HAUMEA_TRY(const Millis duration, ParseDuration(given.as_string()));
        value = duration.value;
    } else if (given.is_int()) {
        value = given.as_int();
    } else if (type_ == ValueType::kDuration) {
        return Failf("{} is no duration: write a text such as 10s, or a whole number of milliseconds",
                     Shown(given));
    } else {
        const std::string constraint = Constraint();
        return Failf("{} is no whole number: {}", Shown(given),
                     given.is_string()    ? "write it without quotes"
                     : constraint.empty() ? "write one such as 100"
                                          : "it must be " + constraint);
    }
    if (value < min_ || value > max_) {
        return Failf("{} is out of range: it must be {}", Shown(given), Constraint());
    }
    return Node(value);
}

Result<Node> Field::AcceptText(const Node& given) const {
    if (!given.is_string()) {
        return Failf("{} is no text: write it in quotes", Shown(given));
    }
    if (values_.empty()) {
        return given;
    }
    for (const std::string& allowed : values_) {
        if (SameName(allowed, given.as_string())) {
            return Node(allowed);
        }
    }
    return Failf("{} is unknown: it must be {}", Shown(given), Constraint());
}

Node Field::FromText(std::string_view text) const {
    if (type_ == ValueType::kText) {
        return Node(text);
    }
    if (type_ == ValueType::kTextList) {
        std::string_view rest = text;
        if (rest.starts_with('[') && rest.ends_with(']')) {
            rest = rest.substr(1, rest.size() - 2);
        }
        Node::Array items;
        while (!rest.empty()) {
            std::string_view item = rest.substr(0, rest.find(','));
            rest.remove_prefix(std::min(rest.size(), item.size() + 1));
            item.remove_prefix(std::min(item.size(), item.find_first_not_of(" \"'")));
            items.emplace_back(item.substr(0, item.find_last_not_of(" \"'") + 1));
        }
        return Node(std::move(items));
    }
    if (type_ == ValueType::kBool && (text == "1" || text == "0")) {
        return Node(text == "1");
    }
    const std::string lower = type_ == ValueType::kBool ? Lower(text) : std::string(text);
    const auto scalar = ParseYaml(lower);
    return scalar && !scalar->is_null() ? *scalar : Node(text);
}

Result<> SchemaTable::Read(const Node& tree, const std::string& path, const Origin& origin, void* target,
                           ReadReport& report) const {
    if (tree.is_null()) {
        return {};
    }
    if (!tree.is_object()) {
        return Failf("{}: {}: {} is no block of keys: indent its keys below it", origin(path), path,
                     Shown(tree));
    }
    for (const auto& [key, value] : tree.object()) {
        HAUMEA_TRY_VOID(ReadMember(key, value, path, origin, target, report));
    }
    return {};
}

Result<> SchemaTable::ReadMember(const std::string& key, const Node& value, const std::string& path,
                                 const Origin& origin, void* target, ReadReport& report) const {
    const std::string prefix = path.empty() ? "" : path + ".";
    for (const Entry& entry : entries_) {
        if (!SameName(entry.key(), key)) {
            continue;
        }
        const std::string full = prefix + entry.key();
        if (entry.section) {
            return entry.section->Read(value, full, origin, entry.part(target), report);
        }
        if (value.is_null()) {
            return {};  // "key:" with nothing behind it is the default
        }
        auto accepted = entry.field->Accept(value);
        if (!accepted) {
            // What a rule says holds no value; what a type says does.
            const bool hide = entry.field->secret() && !value.is_string();
            return Failf("{}: {}: {}{}", origin(full), full,
                         entry.field->secret() ? "the value (not shown) is not acceptable: " : "",
                         hide ? "write it as a text, in quotes" : accepted.error().message);
        }
        entry.store(target, *accepted);
        return {};
    }
    for (const Ignored& ignored : ignored_) {
        if (SameName(ignored.name, key)) {
            return ReadIgnored(ignored, value, prefix + ignored.name, origin, report);
        }
    }
    report.warnings.push_back(
        fmt::format("{}: unknown key {}{} is ignored{}", origin(prefix + key), prefix, key, Suggestion(key)));
    return {};
}

Result<> SchemaTable::ReadIgnored(const Ignored& ignored, const Node& value, const std::string& path,
                                  const Origin& origin, ReadReport& report) {
    if (ignored.any || value.is_null() || value == ignored.harmless) {
        report.notes.push_back(fmt::format("{}: {} has no effect", origin(path), path));
        return {};
    }
    if (ignored.refuse) {
        return Failf("{}: {}: {} is not supported: {}", origin(path), path, Shown(value),
                     ignored.consequence);
    }
    report.warnings.push_back(
        fmt::format("{}: {} has no effect: {}", origin(path), path, ignored.consequence));
    return {};
}

std::string SchemaTable::Suggestion(std::string_view key) const {
    constexpr size_t kSimilar = 2;
    const Entry* best = nullptr;
    size_t distance = std::min(kSimilar, key.size() / 3) + 1;
    for (const Entry& entry : entries_) {
        if (const size_t d = EditDistance(key, entry.key()); d < distance) {
            distance = d;
            best = &entry;
        }
    }
    return best != nullptr ? fmt::format("; do you mean {}?", best->key()) : "";
}

Node SchemaTable::Print(const void* source, bool mask_secrets) const {
    Node out = Node::MakeObject();
    for (const Entry& entry : entries_) {
        if (entry.section) {
            const void* part = entry.part(const_cast<void*>(source));
            out.Set(entry.key(), entry.section->Print(part, mask_secrets));
            continue;
        }
        Node value = entry.load(source);
        const bool hide = mask_secrets && entry.field->secret() && value != Node("");
        out.Set(entry.key(), hide ? Node(kMask) : std::move(value));
    }
    return out;
}

const Field* SchemaTable::Find(const std::vector<std::string>& path) const {
    const SchemaTable* table = this;
    for (size_t i = 0; i < path.size(); ++i) {
        const auto it = std::find_if(table->entries_.begin(), table->entries_.end(),
                                     [&](const Entry& entry) { return SameName(entry.key(), path[i]); });
        if (it == table->entries_.end()) {
            return nullptr;
        }
        if (!it->section) {
            return i + 1 == path.size() ? it->field.get() : nullptr;
        }
        table = it->section.get();
    }
    return nullptr;
}

std::vector<SchemaTable::Row> SchemaTable::Rows(const std::string& path, const void* source) const {
    std::vector<Row> rows;
    for (const Entry& entry : entries_) {
        const std::string full = path.empty() ? entry.key() : path + "." + entry.key();
        if (entry.section) {
            rows.push_back({full, nullptr, entry.doc, ""});
            auto inner = entry.section->Rows(full, entry.part(const_cast<void*>(source)));
            rows.insert(rows.end(), inner.begin(), inner.end());
        } else {
            rows.push_back({full, entry.field.get(), entry.field->doc(), YamlScalar(entry.load(source))});
        }
    }
    return rows;
}

}  // namespace haumea::config
