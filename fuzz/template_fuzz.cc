#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "template/template.h"

// Any bytes as a template: parsing ends, and what parses runs within its limits on a small row.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const auto parsed = haumea::text_template::Template::Parse({reinterpret_cast<const char*>(data), size});
    if (!parsed) {
        return 0;
    }
    const haumea::Value items[] = {haumea::Value::Double(1.5), haumea::Value::String("x"),
                                   haumea::Value::Null()};
    const haumea::Field fields[] = {{"a", haumea::Value::Array(items)},
                                    {"b", haumea::Value::String("<text>")}};
    haumea::text_template::Limits limits;
    limits.max_steps = 10'000;
    limits.max_output_bytes = 1U << 16U;
    haumea::Arena arena;
    haumea::BufferBuilder out;
    std::string error;
    (*parsed)->Execute(haumea::Value::Object(fields), arena, out, error, limits);
    return 0;
}
