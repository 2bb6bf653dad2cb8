import os
import sys

def f( a,b ):
    имя = "ж"
    return a+b
