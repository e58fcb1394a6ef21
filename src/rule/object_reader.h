#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/node.h"

namespace haumea::rule {

// Reads the members of a JSON object into fields. Names match in any letter case, null leaves the field as it
// is, and of all members of a wrong kind the first is reported, with the texts that clients know:
// `json: cannot unmarshal string into Go struct field RuleOption.options.qos of type def.Qos`. A short-lived
// helper on the stack.
class ObjectReader {
  public:
    // `type` is the name of the structure in those texts; `error` is shared by nested readers, owned by the
    // caller and outlives them.
    ObjectReader(const config::Node& object, std::string_view type, std::string& error)
        : object_(&object), type_(type), error_(&error) {}

    void Read(std::string_view name, bool& field);
    void Read(std::string_view name, std::string& field);
    void Read(std::string_view name, int64_t& field, std::string_view type_name = "int");
    void Read(std::string_view name, std::vector<std::string>& field);
    // Text such as `10s`, or a number of milliseconds.
    void ReadDuration(std::string_view name, int64_t& field_ms);
    // The object or array of that name; null when it is absent, null or of another kind.
    const config::Node* ReadObject(std::string_view name, std::string_view type_name);
    const config::Node* ReadArray(std::string_view name, std::string_view type_name);
    // A reader for a member that is an object; `member` comes from ReadObject or is an element of an array.
    ObjectReader Nested(std::string_view name, const config::Node& member, std::string_view type) const;
    // The member of that name is known, but not read here.
    void Known(std::string_view name) { known_.emplace_back(name); }

    // Names of members that nobody asked for.
    std::vector<std::string> Unknown() const;
    // Reports `what` (`string`, `number 1.5`) where a `type_name` belongs.
    void Mismatch(std::string_view name, std::string_view what, std::string_view type_name);

    // Kinds in those texts: object, array, string, number, bool.
    static std::string_view KindOf(const config::Node& node);

  private:
    // Null when absent or null.
    const config::Node* Find(std::string_view name);

    const config::Node* object_;
    std::string type_;
    std::string path_;  // "options." for members of a nested object
    std::string* error_;
    std::vector<std::string> known_;
};

}  // namespace haumea::rule
