# Compiler cache when present. base_dir makes clones in different folders share hits.
find_program(HAUMEA_CCACHE ccache)
if(HAUMEA_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
        CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${HAUMEA_CCACHE})
endif()
find_program(HAUMEA_MOLD mold)
if(HAUMEA_MOLD)
    add_link_options(-fuse-ld=mold)
endif()
