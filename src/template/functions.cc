#include <array>
#include <string_view>
#include <unordered_map>

#include "data/go_format.h"
#include "template/function.h"

namespace haumea::text_template {

const Function* FindFunction(std::string_view name) {
    static const auto* const kIndex = [] {
        auto* index = new std::unordered_map<std::string_view, const Function*>();
        for (const auto family :
             {ComparisonFunctions(), PrintFunctions(), StringFunctions(), NumberFunctions(), ListFunctions(),
              MapFunctions(), EncodingFunctions(), PatternFunctions(), TimeFunctions()}) {
            for (const Function& function : family) {
                index->emplace(function.name, &function);
            }
        }
        return index;
    }();
    const auto found = kIndex->find(name);
    return found == kIndex->end() ? nullptr : found->second;
}

bool Truth(const Value& value) {
    switch (value.type()) {
        case Type::kMissing:
        case Type::kNull:
        case Type::kError:
            return false;
        case Type::kBool:
            return value.as_bool();
        case Type::kInt:
            return value.as_int() != 0;
        case Type::kDouble:
            return value.as_double() != 0;
        case Type::kDatetime:
            return true;
        case Type::kString:
        case Type::kBytes:
        case Type::kArray:
        case Type::kObject:
            return value.size() > 0;
    }
    return false;
}

std::string_view GoTypeName(const Value& value) { return haumea::GoTypeName(value.type()); }

Value MakeText(CallContext& ctx, std::string_view text) { return Value::String(ctx.arena.Copy(text)); }
Value MakeError(CallContext& ctx, std::string_view text) { return Value::Error(ctx.arena.Copy(text)); }

}  // namespace haumea::text_template
