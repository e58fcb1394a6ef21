#include <array>
#include <string_view>
#include <unordered_map>

#include "template/function.h"

namespace haumea::text_template {

const Function* FindFunction(std::string_view name) {
    static const auto* const kIndex = [] {
        auto* index = new std::unordered_map<std::string_view, const Function*>();
        for (const auto family : {ComparisonFunctions(), PrintFunctions(), StringFunctions(),
                                  NumberFunctions(), ListFunctions(), MapFunctions(), EncodingFunctions()}) {
            for (const Function& function : family) {
                index->emplace(function.name, &function);
            }
        }
        return index;
    }();
    const auto found = kIndex->find(name);
    return found == kIndex->end() ? nullptr : found->second;
}

}  // namespace haumea::text_template
