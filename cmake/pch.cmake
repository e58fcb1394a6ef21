# Two precompiled headers, reused by every library and every test program: the standard library with fmt, and the same
# with GoogleTest. A .gch is large, hence one each and not one per target. Flags must match those of the users.
option(HAUMEA_PCH "Use precompiled headers" ON)
if(HAUMEA_PCH)
    # Some packages ask for it, and a precompiled header serves only users with the same macros.
    add_compile_options(-pthread)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        add_compile_options(-fpch-preprocess)  # lets the compiler cache see through the header
    endif()
    file(WRITE ${CMAKE_BINARY_DIR}/pch_anchor.cc.in "")
    configure_file(${CMAKE_BINARY_DIR}/pch_anchor.cc.in ${CMAKE_BINARY_DIR}/pch_anchor.cc COPYONLY)
    set(HAUMEA_PCH_HEADERS <algorithm> <array> <atomic> <charconv> <chrono> <cstdint> <cstring> <deque> <functional> <map>
        <memory> <mutex> <optional> <span> <string> <string_view> <unordered_map> <utility> <variant> <vector>
        <fmt/core.h> <tl/expected.hpp>)
    add_library(haumea_pch OBJECT ${CMAKE_BINARY_DIR}/pch_anchor.cc)
    target_link_libraries(haumea_pch PRIVATE deps_fmt haumea_warnings)
    target_precompile_headers(haumea_pch PRIVATE ${HAUMEA_PCH_HEADERS})
    if(HAUMEA_TESTS)
        add_library(haumea_test_pch OBJECT ${CMAKE_BINARY_DIR}/pch_anchor.cc)
        target_link_libraries(haumea_test_pch PRIVATE deps_fmt haumea_warnings GTest::gtest GTest::gmock)
        target_precompile_headers(haumea_test_pch PRIVATE ${HAUMEA_PCH_HEADERS} <gmock/gmock.h> <gtest/gtest.h>)
    endif()
endif()

# haumea_use_pch(target anchor)
function(haumea_use_pch target anchor)
    if(HAUMEA_PCH)
        target_precompile_headers(${target} REUSE_FROM ${anchor})
    endif()
endfunction()
