# CPack runs this over the files of the packages before it packs them: what Debian wants elsewhere, or compressed.
find_program(GZIP gzip REQUIRED)
string(TIMESTAMP now "%a, %d %b %Y %H:%M:%S +0000" UTC)

# The texts that each package has to have.
function(add_texts root package)
  set(doc ${root}/usr/share/doc/${package})
  file(COPY ${CMAKE_CURRENT_LIST_DIR}/../LICENSE ${CMAKE_CURRENT_LIST_DIR}/../CHANGELOG.md DESTINATION ${doc})
  file(RENAME ${doc}/LICENSE ${doc}/copyright)
  file(RENAME ${doc}/CHANGELOG.md ${doc}/changelog)
  file(WRITE ${doc}/changelog.Debian "gilspy (${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}) \
unstable; urgency=medium\n\n  * changelog.gz tells what changed.\n\n -- ${CPACK_PACKAGE_CONTACT}  ${now}\n")
  file(GLOB pages ${root}/usr/share/man/man*/*.[13])
  execute_process(COMMAND ${GZIP} -9n ${pages} ${doc}/changelog ${doc}/changelog.Debian COMMAND_ERROR_IS_FATAL ANY)
endfunction()

set(program ${CPACK_TEMPORARY_DIRECTORY}/program)
file(RENAME ${program}/usr/share/zsh/site-functions ${program}/usr/share/zsh/vendor-completions)
add_texts(${program} gilspy)
if(EXISTS ${CPACK_TEMPORARY_DIRECTORY}/library)
  add_texts(${CPACK_TEMPORARY_DIRECTORY}/library libgilspy0)
  add_texts(${CPACK_TEMPORARY_DIRECTORY}/dev libgilspy-dev)
endif()
