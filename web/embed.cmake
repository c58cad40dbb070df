# Makes a C file that holds the bytes of a text: cmake -DIN=file -DOUT=file.c -DNAME=symbol -P embed.cmake
file(READ ${IN} text)
# It stands in a CDATA section of an SVG file.
if(text MATCHES "]]>" OR text MATCHES "</s")
  message(FATAL_ERROR "${IN} would end the section that it stands in")
endif()
file(READ ${IN} bytes HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
string(REGEX REPLACE "(................................................................................)" "\\1\n" bytes
       "${bytes}")
file(WRITE ${OUT} "/* Made from ${IN}. */\nextern const char ${NAME}[];\nconst char ${NAME}[] = {${bytes}0};\n")
