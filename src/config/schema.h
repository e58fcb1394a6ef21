#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/result.h"
#include "config/duration.h"
#include "config/node.h"

namespace haumea::config {

enum class ValueType : uint8_t { kBool, kInteger, kText, kDuration, kTextList };

// One key: what parsing, validation, the shipped file and the reference page know of it. Built once at start,
// then read only.
class Field {
  public:
    Field(std::string name, ValueType type) : name_(std::move(name)), type_(type) {}

    Field& Doc(std::string text);
    Field& Min(int64_t lowest);  // of an integer, or of a duration in milliseconds
    Field& Max(int64_t highest);
    Field& Values(std::vector<std::string> allowed);  // of a text, ignoring case
    Field& Secret();                                  // shown as ****** wherever settings are shown
    // A further rule: returns what is wrong, "" when nothing is.
    Field& Check(std::function<std::string(const Node&)> rule);

    const std::string& name() const { return name_; }
    ValueType type() const { return type_; }
    const std::string& doc() const { return doc_; }
    bool secret() const { return secret_; }
    std::string_view type_name() const;
    // "1 to 65535", "one of a, b", "at least 1s"; empty when anything goes.
    std::string Constraint() const;

    // The value as it is stored: durations as milliseconds, texts of `Values` in their own spelling. The
    // error says what is wrong and what to do, without naming the key.
    Result<Node> Accept(const Node& given) const;
    // The value of an environment variable, typed by this key.
    Node FromText(std::string_view text) const;

  private:
    Result<Node> AcceptInteger(const Node& given) const;
    Result<Node> AcceptText(const Node& given) const;

    std::string name_;
    ValueType type_;
    std::string doc_;
    bool secret_ = false;
    int64_t min_ = std::numeric_limits<int64_t>::min();
    int64_t max_ = std::numeric_limits<int64_t>::max();
    std::vector<std::string> values_;
    std::function<std::string(const Node&)> rule_;
};

// What reading came across besides the values.
struct ReadReport {
    std::vector<std::string> warnings;  // for the operator
    std::vector<std::string> notes;     // known keys of eKuiper without effect: debug log
};

// The untyped half of Schema<T>: keys and sections with ways to store into and load from a `T` behind a
// void*.
class SchemaTable {
  public:
    // Where the value at a path ("basic.restPort") comes from: a file or a variable.
    using Origin = std::function<std::string(const std::string& path)>;

    Result<> Read(const Node& tree, const std::string& path, const Origin& origin, void* target,
                  ReadReport& report) const;
    Node Print(const void* source, bool mask_secrets) const;
    // The field at a path of names, ignoring case; nullptr when there is none (a section is none).
    const Field* Find(const std::vector<std::string>& path) const;

    struct Row {
        std::string path;
        const Field* field;        // nullptr: a section
        std::string doc;           // of the section or field
        std::string default_text;  // as it is written in YAML
    };
    // Every section and field in order, with the values of `source` as defaults.
    std::vector<Row> Rows(const std::string& path, const void* source) const;

  protected:
    struct Entry {
        std::unique_ptr<Field> field;  // or
        std::string name;
        std::string doc;
        std::shared_ptr<const SchemaTable> section;  // shared by copies of the schema, immutable
        std::function<void(void*, const Node&)> store;
        std::function<Node(const void*)> load;
        std::function<void*(void*)> part;
        const std::string& key() const { return field ? field->name() : name; }
    };
    // A key of eKuiper that has no effect here. `harmless`: the value that promises nothing; any other is
    // warned about with `consequence`, or refused.
    struct Ignored {
        std::string name;
        bool any = true;
        Node harmless;
        std::string consequence;
        bool refuse = false;
    };
    Result<> ReadMember(const std::string& key, const Node& value, const std::string& path,
                        const Origin& origin, void* target, ReadReport& report) const;
    static Result<> ReadIgnored(const Ignored& ignored, const Node& value, const std::string& path,
                                const Origin& origin, ReadReport& report);
    std::string Suggestion(std::string_view key) const;

    std::vector<Entry> entries_;
    std::vector<Ignored> ignored_;
};

// The keys of one section and the members of `T` that they fill; the defaults are the initialisers of `T`.
//     Schema<Tls> s;
//     s.Add("certfile", &Tls::cert_file).Doc("PEM file of the certificate");
// Texts are never converted to other types (except durations): "9081" is no port. Names match ignoring case.
template <typename T>
class Schema : public SchemaTable {
  public:
    template <typename M>
    Field& Add(std::string name, M T::* member) {
        Entry entry;
        entry.field = std::make_unique<Field>(std::move(name), TypeOf<M>());
        if constexpr (std::is_integral_v<M> && !std::is_same_v<M, bool> && sizeof(M) < sizeof(int64_t)) {
            entry.field->Min(std::numeric_limits<M>::min()).Max(std::numeric_limits<M>::max());
        }
        entry.store = [member](void* target, const Node& value) {
            Store(static_cast<T*>(target)->*member, value);
        };
        entry.load = [member](const void* source) { return Load(static_cast<const T*>(source)->*member); };
        entries_.push_back(std::move(entry));
        return *entries_.back().field;
    }
    template <typename S>
    void Section(std::string name, S T::* member, Schema<S> schema, std::string doc) {
        Entry entry;
        entry.name = std::move(name);
        entry.doc = std::move(doc);
        entry.section = std::make_shared<const Schema<S>>(std::move(schema));
        entry.part = [member](void* target) -> void* { return &(static_cast<T*>(target)->*member); };
        entries_.push_back(std::move(entry));
    }
    // Known keys (or whole blocks) of eKuiper without a counterpart: accepted quietly.
    void Accept(std::initializer_list<std::string_view> names) {
        for (const std::string_view name : names) {
            ignored_.push_back({std::string(name), true, {}, "", false});
        }
    }
    // The same, but any value other than `harmless` is warned about ...
    void AcceptOnly(std::string name, Node harmless, std::string consequence) {
        ignored_.push_back({std::move(name), false, std::move(harmless), std::move(consequence), false});
    }
    // ... or stops the start, where going on would break a promise.
    void Refuse(std::string name, Node harmless, std::string consequence) {
        ignored_.push_back({std::move(name), false, std::move(harmless), std::move(consequence), true});
    }

    Node ToNode(const T& value, bool mask_secrets) const { return Print(&value, mask_secrets); }

  private:
    template <typename M>
    static constexpr ValueType TypeOf() {
        if constexpr (std::is_same_v<M, bool>) {
            return ValueType::kBool;
        } else if constexpr (std::is_integral_v<M>) {
            return ValueType::kInteger;
        } else if constexpr (std::is_same_v<M, std::string>) {
            return ValueType::kText;
        } else if constexpr (std::is_same_v<M, Millis>) {
            return ValueType::kDuration;
        } else {
            static_assert(std::is_same_v<M, std::vector<std::string>>, "a type that no setting has");
            return ValueType::kTextList;
        }
    }
    template <typename M>
    static void Store(M& member, const Node& value) {
        if constexpr (std::is_same_v<M, bool>) {
            member = value.as_bool();
        } else if constexpr (std::is_integral_v<M>) {
            member = static_cast<M>(value.as_int());
        } else if constexpr (std::is_same_v<M, std::string>) {
            member = value.as_string();
        } else if constexpr (std::is_same_v<M, Millis>) {
            member = Millis{value.as_int()};
        } else {
            member.clear();
            for (const Node& item : value.array()) {
                member.push_back(item.as_string());
            }
        }
    }
    template <typename M>
    static Node Load(const M& member) {
        if constexpr (std::is_same_v<M, Millis>) {
            return Node(FormatDuration(member));
        } else if constexpr (std::is_same_v<M, std::vector<std::string>>) {
            return Node(Node::Array(member.begin(), member.end()));
        } else if constexpr (std::is_integral_v<M> && !std::is_same_v<M, bool>) {
            return Node(static_cast<int64_t>(member));
        } else {
            return Node(member);
        }
    }
};

}  // namespace haumea::config
