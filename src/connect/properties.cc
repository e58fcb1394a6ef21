#include "connect/properties.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace haumea::connect {

namespace {

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool EqualsNoCase(std::string_view a, std::string_view b) {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return Lower(x) == Lower(y); });
}

// The value for an error text: short, and never a nested secret.
std::string Shown(const config::Node& value) {
    if (value.is_object() || value.is_array()) {
        return std::string(value.kind_name());
    }
    constexpr size_t kShown = 60;
    std::string text = config::ToJson(value);
    if (text.size() > kShown) {
        text.resize(kShown);
        text += "...";
    }
    return text;
}

double UnitMs(std::string_view unit) {
    if (unit == "ns") {
        return 1e-6;
    }
    if (unit == "us" || unit == "\xc2\xb5s" || unit == "\xce\xbcs") {
        return 1e-3;
    }
    if (unit == "ms") {
        return 1;
    }
    if (unit == "s") {
        return 1e3;
    }
    if (unit == "m") {
        return 60e3;
    }
    return unit == "h" ? 3600e3 : 0;
}

}  // namespace

Result<int64_t> ParseDurationMs(std::string_view text) {
    std::string_view rest = text;
    const bool negative = rest.starts_with('-');
    if (negative || rest.starts_with('+')) {
        rest.remove_prefix(1);
    }
    if (rest == "0") {
        return 0;
    }
    double total = 0;
    const auto invalid = [text] {
        return Failf("\"{}\" is no duration: write a number with a unit, like 10s, 500ms or 1m30s", text);
    };
    if (rest.empty()) {
        return invalid();
    }
    while (!rest.empty()) {
        double number = 0;
        const auto [end, code] =
            std::from_chars(rest.data(), rest.data() + rest.size(), number, std::chars_format::fixed);
        if (code != std::errc() || number < 0 || rest.starts_with('-')) {
            return invalid();
        }
        rest.remove_prefix(static_cast<size_t>(end - rest.data()));
        const size_t unit_size = std::min(rest.find_first_of("0123456789."), rest.size());
        const double unit = UnitMs(rest.substr(0, unit_size));
        if (unit == 0) {
            return invalid();
        }
        total += number * unit;
        rest.remove_prefix(unit_size);
    }
    constexpr double kLimit = 9.2e12;  // what 64 bits of nanoseconds hold
    if (!(total < kLimit)) {
        return Failf("\"{}\" is too long for a duration", text);
    }
    const auto ms = static_cast<int64_t>(total);
    return negative ? -ms : ms;
}

const config::Node* PropertyReader::Any(std::string_view name) const {
    const config::Node* value = props_->FindNoCase(name);
    return value == nullptr || value->is_null() ? nullptr : value;
}

bool PropertyReader::Has(std::string_view name) const { return Any(name) != nullptr; }

void PropertyReader::Refuse(Error error) {
    if (!failed_) {
        failed_ = true;
        error_ = std::move(error).With(what_);
    }
}

Result<void> PropertyReader::status() const {
    if (failed_) {
        return Fail(error_);
    }
    return {};
}

void PropertyReader::WrongType(std::string_view name, const config::Node& value, std::string_view wanted) {
    Refuse(Errorf("property {} is {} (type {}), but {} is needed", name, Shown(value), value.kind_name(),
                  wanted));
}

bool PropertyReader::Bool(std::string_view name, bool default_value) {
    const config::Node* value = Any(name);
    if (value == nullptr) {
        return default_value;
    }
    if (!value->is_bool()) {
        WrongType(name, *value, "true or false without quotes");
        return default_value;
    }
    return value->as_bool();
}

int64_t PropertyReader::Int(std::string_view name, int64_t default_value) {
    const config::Node* value = Any(name);
    if (value == nullptr) {
        return default_value;
    }
    if (value->is_int()) {
        return value->as_int();
    }
    constexpr double kLimit = 9e18;
    if (!value->is_double() || !(std::abs(value->as_double()) <= kLimit)) {
        WrongType(name, *value, "a whole number without quotes");
        return default_value;
    }
    return static_cast<int64_t>(value->as_double());
}

int64_t PropertyReader::IntInRange(std::string_view name, int64_t default_value, int64_t low, int64_t high) {
    const int64_t value = Int(name, default_value);
    if (value < low || value > high) {
        Refuse(Errorf("property {} is {}, but has to lie between {} and {}", name, value, low, high));
        return default_value;
    }
    return value;
}

std::string PropertyReader::String(std::string_view name, std::string default_value) {
    const config::Node* value = Any(name);
    if (value == nullptr) {
        return default_value;
    }
    if (!value->is_string()) {
        WrongType(name, *value, "a text in quotes");
        return default_value;
    }
    return value->as_string();
}

int64_t PropertyReader::DurationMs(std::string_view name, int64_t default_ms) {
    const config::Node* value = Any(name);
    if (value == nullptr) {
        return default_ms;
    }
    if (value->is_number()) {
        return Int(name, default_ms);
    }
    if (!value->is_string()) {
        WrongType(name, *value, "a duration like \"10s\" or a number of milliseconds");
        return default_ms;
    }
    auto parsed = ParseDurationMs(value->as_string());
    if (!parsed) {
        Refuse(Errorf("property {}: {}", name, parsed.error().message));
        return default_ms;
    }
    return *parsed;
}

std::vector<std::string> PropertyReader::Strings(std::string_view name) {
    std::vector<std::string> texts;
    const config::Node* value = Any(name);
    if (value == nullptr) {
        return texts;
    }
    if (!value->is_array()) {
        WrongType(name, *value, "a list of texts like [\"a\",\"b\"]");
        return texts;
    }
    for (const config::Node& item : value->array()) {
        if (!item.is_string()) {
            WrongType(name, item, "a list of texts only");
            return {};
        }
        texts.push_back(item.as_string());
    }
    return texts;
}

const config::Node* PropertyReader::Map(std::string_view name) {
    const config::Node* value = Any(name);
    if (value != nullptr && !value->is_object()) {
        WrongType(name, *value, "an object like {\"name\":\"value\"}");
        return nullptr;
    }
    return value;
}

std::string PropertyReader::Aliased(std::string_view name, std::string_view alias) {
    std::string first = String(name);
    std::string second = String(alias);
    if (!first.empty() && !second.empty() && first != second) {
        constexpr size_t kReadable = 128;  // longer texts are keys and certificates, which no message repeats
        if (std::max(first.size(), second.size()) > kReadable) {
            Refuse(Errorf("{} and its alias {} are given and differ: give only one of the two", name, alias));
        } else {
            Refuse(Errorf("{} is \"{}\" but its alias {} is \"{}\": give only one of the two", name,
                          WithoutQuery(first), alias, WithoutQuery(second)));
        }
    }
    return first.empty() ? second : first;
}

std::string PropertyReader::Choice(std::string_view name, std::span<const std::string_view> values,
                                   std::string_view default_value) {
    std::string value = String(name, std::string(default_value));
    if (std::find(values.begin(), values.end(), value) == values.end()) {
        std::string list;
        for (const std::string_view known : values) {
            list += list.empty() ? "" : ", ";
            list += known;
        }
        Refuse(Errorf("property {} is \"{}\", but has to be one of {}", name, value, list));
        return std::string(default_value);
    }
    return value;
}

std::string WithoutQuery(std::string_view path) {
    const size_t query = path.find('?');
    return query == std::string_view::npos || query + 1 == path.size()
               ? std::string(path)
               : std::string(path.substr(0, query)) + "?******";
}

bool IsIn(std::span<const PropertyDoc> table, std::string_view name) {
    return std::any_of(table.begin(), table.end(),
                       [name](const PropertyDoc& doc) { return EqualsNoCase(doc.name, name); });
}

Result<void> CheckNames(const config::Node& props, const std::string& what) {
    if (!props.is_object()) {
        return {};
    }
    std::map<std::string, const config::Node::Member*> seen;
    for (const config::Node::Member& member : props.object()) {
        std::string name(member.first);
        std::transform(name.begin(), name.end(), name.begin(), Lower);
        const auto [place, fresh] = seen.emplace(std::move(name), &member);
        if (!fresh && config::ToJson(place->second->second) != config::ToJson(member.second)) {
            return Failf("{}: property {} is given twice with different values, also as {}: give only one",
                         what, place->second->first, member.first);
        }
    }
    return {};
}

void WarnUnknown(const config::Node& props, const std::string& what,
                 std::initializer_list<std::span<const PropertyDoc>> known,
                 std::vector<std::string>& warnings) {
    if (!props.is_object()) {
        return;
    }
    for (const auto& [name, value] : props.object()) {
        const bool found =
            std::any_of(known.begin(), known.end(), [&](const auto& table) { return IsIn(table, name); });
        if (!found) {
            warnings.push_back(fmt::format("{}: unknown property {} has no effect", what, name));
        }
    }
}

}  // namespace haumea::connect
