#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/node.h"

namespace haumea::connect {

// One property of a connector: the table of these is its documentation and the list of known names.
struct PropertyDoc {
    std::string_view name;
    std::string_view type;           // "string", "boolean", "integer", "duration", "list", "map"
    std::string_view default_value;  // as it would be written; empty: none
    std::string_view doc;
};

// "10s", "1m30s", "100ms", "1.5h" in milliseconds; rounded towards zero. Error: says what is wrong with the
// text.
Result<int64_t> ParseDurationMs(std::string_view text);

// Reads typed values out of a property object. Names match without regard to ASCII case; types are strict
// (only whole-number properties cut fractions, and durations are texts or milliseconds); null is as good as
// absent. The first mistake is kept: check status() when everything has been read.
class PropertyReader {
  public:
    // `what` stands in front of errors: "sink websocket". `props` outlives the reader.
    PropertyReader(const config::Node& props, std::string what) : props_(&props), what_(std::move(what)) {}

    bool Has(std::string_view name) const;
    bool Bool(std::string_view name, bool default_value);
    int64_t Int(std::string_view name, int64_t default_value);
    std::string String(std::string_view name, std::string default_value = {});
    int64_t DurationMs(std::string_view name, int64_t default_ms);
    std::vector<std::string> Strings(std::string_view name);
    // An object, or null when absent.
    const config::Node* Map(std::string_view name);
    // Any kind, or null when absent or JSON null.
    const config::Node* Any(std::string_view name) const;
    // One of two spellings; both given and different is an error.
    std::string Aliased(std::string_view name, std::string_view alias);
    // One of `values`.
    std::string Choice(std::string_view name, std::span<const std::string_view> values,
                       std::string_view default_value);
    int64_t IntInRange(std::string_view name, int64_t default_value, int64_t low, int64_t high);

    // Keeps `error` unless there is one already.
    void Refuse(Error error);
    Result<void> status() const;
    const std::string& what() const { return what_; }

  private:
    void WrongType(std::string_view name, const config::Node& value, std::string_view wanted);

    const config::Node* props_;
    std::string what_;
    bool failed_ = false;
    Error error_;
};

// Names in `props` that are in none of the lists, as a warning each.
void WarnUnknown(const config::Node& props, const std::string& what,
                 std::initializer_list<std::span<const PropertyDoc>> known,
                 std::vector<std::string>& warnings);
// Refuses names that differ in nothing but case (path and PATH) when their values do: nobody could say which
// counts.
Result<void> CheckNames(const config::Node& props, const std::string& what);
// A path for messages: what a query holds may be a token ("/x?******").
std::string WithoutQuery(std::string_view path);
// Is `name` in `table`, whatever its case?
bool IsIn(std::span<const PropertyDoc> table, std::string_view name);

}  // namespace haumea::connect
