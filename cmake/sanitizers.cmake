if(HAUMEA_SANITIZE)
    add_compile_options(-fsanitize=${HAUMEA_SANITIZE} -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${HAUMEA_SANITIZE})
    if(HAUMEA_SANITIZE MATCHES "thread")
        # Asio's fences: the sanitizer does not see them, which it says; mutexes order our data as well.
        add_compile_options(-Wno-tsan)
    endif()
    if(HAUMEA_SANITIZE MATCHES "undefined")
        # vptr: its check opens a pipe, so it raises false alarms where a test has used up all descriptors.
        add_compile_options(-fno-sanitize-recover=undefined -fno-sanitize=vptr)
        add_link_options(-fno-sanitize-recover=undefined)
    endif()
endif()
